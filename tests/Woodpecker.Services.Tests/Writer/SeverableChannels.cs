using System.Collections.Concurrent;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Woodpecker.Protocol.Transport;

namespace Woodpecker.Services.Tests.Writer;

/// <summary>The channels of one process, which a test cuts one by one: streams break, new calls find nobody.</summary>
internal sealed class SeverableChannels(IPeerChannels inner) : IPeerChannels
{
    private readonly ConcurrentDictionary<string, Link> _links = new(StringComparer.Ordinal);

    public void Cut(string appId) => LinkTo(appId).Cut();

    public CallInvoker GetInvoker(string appId) => inner.GetInvoker(appId).Intercept(LinkTo(appId));

    public HttpClient GetControlClient(string appId) => inner.GetControlClient(appId);

    public void Dispose()
    {
        inner.Dispose();
        foreach (var link in _links.Values)
            link.Dispose();
    }

    private Link LinkTo(string appId) => _links.GetOrAdd(appId, static _ => new Link());

    private sealed class Link : Interceptor, IDisposable
    {
        private readonly CancellationTokenSource _cut = new();

        public void Cut() => _cut.Cancel();

        public void Dispose() => _cut.Dispose();

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation) => continuation(Bound(context));

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context,
            AsyncUnaryCallContinuation<TRequest, TResponse> continuation) => continuation(request, Bound(context));

        private ClientInterceptorContext<TRequest, TResponse> Bound<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context)
            where TRequest : class
            where TResponse : class
        {
            if (_cut.IsCancellationRequested)
                throw new RpcException(new Status(StatusCode.Unavailable, "cut by the test"));
            // The source lives as long as the call that it is registered with.
            var token = CancellationTokenSource.CreateLinkedTokenSource(context.Options.CancellationToken, _cut.Token).Token;
            return new(context.Method, context.Host, context.Options.WithCancellationToken(token));
        }
    }
}
