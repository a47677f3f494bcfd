using Google.Protobuf;
using Grpc.Core;
using GrpcHeaders = Grpc.Core.Metadata;

namespace Woodpecker.Simulation.Network;

/// <summary>The generated clients' way onto the simulated network.</summary>
internal sealed class SimCallInvoker(SimNetwork network, Engine.Life client, string target) : CallInvoker
{
    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
        throw new NotSupportedException("Nothing blocks here.");

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = Open(method, options);
        SendOnly(call, request);
        return new AsyncUnaryCall<TResponse>(
            ReadOneAsync<TResponse>(call), Headers(), () => call.Status, () => call.Trailers, call.Cancel);
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        var call = Open(method, options);
        SendOnly(call, request);
        return new AsyncServerStreamingCall<TResponse>(
            new SimReader<TResponse>(call.Responses), Headers(), () => call.Status, () => call.Trailers, call.Cancel);
    }

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var call = Open(method, options);
        return new AsyncClientStreamingCall<TRequest, TResponse>(
            new SimClientWriter<TRequest>(call), ReadOneAsync<TResponse>(call), Headers(), () => call.Status,
            () => call.Trailers, call.Cancel);
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        var call = Open(method, options);
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(
            new SimClientWriter<TRequest>(call), new SimReader<TResponse>(call.Responses), Headers(), () => call.Status,
            () => call.Trailers, call.Cancel);
    }

    private SimCall Open<TRequest, TResponse>(Method<TRequest, TResponse> method, in CallOptions options)
        where TRequest : class
        where TResponse : class =>
        network.Open(client, target, method.FullName, options.Headers, options.CancellationToken);

    private static void SendOnly(SimCall call, object request)
    {
        call.Requests.Send((IMessage)request);
        call.Requests.SendSignal(() => call.Requests.End(static () => false));
    }

    private static async Task<T> ReadOneAsync<T>(SimCall call)
        where T : class
    {
        var reader = new SimReader<T>(call.Responses);
        if (!await reader.MoveNext(CancellationToken.None))
            throw new RpcException(new Status(StatusCode.Internal, "the response is missing"));
        return reader.Current;
    }

    private static Task<GrpcHeaders> Headers() => Task.FromResult(new GrpcHeaders());
}
