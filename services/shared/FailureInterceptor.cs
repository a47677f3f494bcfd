using Grpc.Core;
using Grpc.Core.Interceptors;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Storage.Errors;

namespace Woodpecker.Services;

/// <summary>
/// Ends gRPC calls that failed with the status and trailer of the failure: the one place that maps kinds to codes.
/// </summary>
internal sealed class FailureInterceptor : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            throw FailureMapping.ToRpcException(known);
        }
    }

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(requestStream, context);
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            throw FailureMapping.ToRpcException(known);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(request, responseStream, context);
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            throw FailureMapping.ToRpcException(known);
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(requestStream, responseStream, context);
        }
        catch (Exception e) when (StorageErrors.Translate(e) is { } known)
        {
            throw FailureMapping.ToRpcException(known);
        }
    }
}
