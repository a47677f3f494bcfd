using Grpc.Core;

namespace Woodpecker.Protocol.Transport;

/// <summary>Adds the metadata that leads a call to its peer. Costs one small list per call, nothing per message.</summary>
internal sealed class PeerCallInvoker(CallInvoker inner, Metadata route) : CallInvoker
{
    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        inner.BlockingUnaryCall(method, host, Routed(options), request);

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        inner.AsyncUnaryCall(method, host, Routed(options), request);

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        inner.AsyncServerStreamingCall(method, host, Routed(options), request);

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) =>
        inner.AsyncClientStreamingCall(method, host, Routed(options));

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) =>
        inner.AsyncDuplexStreamingCall(method, host, Routed(options));

    private CallOptions Routed(CallOptions options)
    {
        if (options.Headers is not { Count: > 0 } given)
        {
            return options.WithHeaders(route);
        }

        var headers = new Metadata();
        foreach (var entry in given)
        {
            headers.Add(entry);
        }

        foreach (var entry in route)
        {
            headers.Add(entry);
        }

        return options.WithHeaders(headers);
    }
}
