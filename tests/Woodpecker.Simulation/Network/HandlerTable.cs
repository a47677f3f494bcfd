using Google.Protobuf;
using Grpc.Core;

namespace Woodpecker.Simulation.Network;

/// <summary>The methods of a process's gRPC services, as the generated code binds them.</summary>
internal sealed class HandlerTable : ServiceBinderBase
{
    private readonly Dictionary<string, Func<SimCall, Task>> _handlers = new(StringComparer.Ordinal);

    public Func<SimCall, Task>? Find(string method) => _handlers.GetValueOrDefault(method);

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
        _handlers[method.FullName] = async call =>
        {
            var request = await ReadOneAsync<TRequest>(call);
            var response = await handler!(request, new SimServerContext(call));
            call.Answer((IMessage)request, (IMessage)response);
        };

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler) =>
        _handlers[method.FullName] = async call =>
        {
            var response = await handler!(new SimReader<TRequest>(call.Requests), new SimServerContext(call));
            call.Responses.Send((IMessage)response);
        };

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
        _handlers[method.FullName] = async call =>
        {
            var request = await ReadOneAsync<TRequest>(call);
            await handler!(request, new SimServerWriter<TResponse>(call), new SimServerContext(call));
        };

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
        _handlers[method.FullName] = call => handler!(
            new SimReader<TRequest>(call.Requests), new SimServerWriter<TResponse>(call), new SimServerContext(call));

    private static async Task<T> ReadOneAsync<T>(SimCall call)
        where T : class
    {
        var reader = new SimReader<T>(call.Requests);
        return await reader.MoveNext(call.ServerToken)
            ? reader.Current
            : throw new RpcException(new Status(StatusCode.Internal, "the request is missing"));
    }
}
