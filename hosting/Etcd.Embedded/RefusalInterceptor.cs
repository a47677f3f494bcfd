using Grpc.Core;
using Grpc.Core.Interceptors;
using Woodpecker.Storage.Metadata.Local;

namespace Etcd.Embedded;

/// <summary>Turns the store's refusals into etcd's errors, in one place for all methods.</summary>
internal sealed class RefusalInterceptor : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (MvccException refusal)
        {
            throw Refusals.Of(refusal);
        }
    }
}
