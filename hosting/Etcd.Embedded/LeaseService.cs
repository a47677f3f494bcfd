using Etcdserverpb;
using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Woodpecker.Storage.Metadata.Local;

namespace Etcd.Embedded;

/// <summary>etcdserverpb.Lease.</summary>
internal sealed class LeaseService(MvccStore store, Messages messages, OpenStreams streams)
{
    private async Task<LeaseGrantResponse> GrantAsync(LeaseGrantRequest request, ServerCallContext call)
    {
        if (request.TTL > MvccWriter.MaxLeaseSeconds)
            throw Refusals.TtlTooLarge;
        var granted = await store.GrantLeaseAsync(request.ID, request.TTL, call.CancellationToken);
        return new LeaseGrantResponse { Header = messages.Header(), ID = granted.Id, TTL = granted.GrantedSeconds };
    }

    private async Task<LeaseRevokeResponse> RevokeAsync(LeaseRevokeRequest request, ServerCallContext call) =>
        new() { Header = messages.Header(await store.RevokeLeaseAsync(request.ID, call.CancellationToken)) };

    // Answered from memory: a keep-alive must not wait for a busy disk.
    private Task KeepAliveAsync(
        IAsyncStreamReader<LeaseKeepAliveRequest> requests,
        IServerStreamWriter<LeaseKeepAliveResponse> responses,
        ServerCallContext call) =>
        streams.RunAsync(call, async ended =>
        {
            while (await requests.MoveNext(ended))
            {
                var id = requests.Current.ID;
                await responses.WriteAsync(
                    new LeaseKeepAliveResponse { Header = messages.Header(), ID = id, TTL = store.KeepLeaseAlive(id) }, ended);
            }
        });

    private Task<LeaseTimeToLiveResponse> TimeToLiveAsync(LeaseTimeToLiveRequest request)
    {
        var response = new LeaseTimeToLiveResponse { Header = messages.Header(), ID = request.ID, TTL = -1 };
        if (store.FindLease(request.ID) is not { } lease)
            return Task.FromResult(response);
        response.TTL = lease.RemainingSeconds;
        response.GrantedTTL = lease.GrantedSeconds;
        if (request.Keys)
        {
            var attached = store.Current.Present(KeyRange.FromWire(default, new byte[1])).Where(v => v.LeaseId == request.ID);
            response.Keys.AddRange(attached.Select(static v => UnsafeByteOperations.UnsafeWrap(v.Key)));
        }

        return Task.FromResult(response);
    }

    private Task<LeaseLeasesResponse> LeasesAsync()
    {
        var response = new LeaseLeasesResponse { Header = messages.Header() };
        response.Leases.AddRange(store.LeaseIds().Select(static id => new LeaseStatus { ID = id }));
        return Task.FromResult(response);
    }

    /// <summary>Registers the methods.</summary>
    internal sealed class Provider : IServiceMethodProvider<LeaseService>
    {
        private const string Name = "etcdserverpb.Lease";

        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<LeaseService> context)
        {
            context.AddUnaryMethod(
                Wire.Unary<LeaseGrantRequest, LeaseGrantResponse>(Name, "LeaseGrant"), [],
                static (leases, request, call) => leases.GrantAsync(request, call));
            context.AddUnaryMethod(
                Wire.Unary<LeaseRevokeRequest, LeaseRevokeResponse>(Name, "LeaseRevoke"), [],
                static (leases, request, call) => leases.RevokeAsync(request, call));
            context.AddDuplexStreamingMethod(
                Wire.Duplex<LeaseKeepAliveRequest, LeaseKeepAliveResponse>(Name, "LeaseKeepAlive"), [],
                static (leases, requests, responses, call) => leases.KeepAliveAsync(requests, responses, call));
            context.AddUnaryMethod(
                Wire.Unary<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse>(Name, "LeaseTimeToLive"), [],
                static (leases, request, _) => leases.TimeToLiveAsync(request));
            context.AddUnaryMethod(
                Wire.Unary<LeaseLeasesRequest, LeaseLeasesResponse>(Name, "LeaseLeases"), [],
                static (leases, _, _) => leases.LeasesAsync());
        }
    }
}
