using Etcdserverpb;
using Grpc.AspNetCore.Server.Model;
using Woodpecker.Storage.Metadata.Local;

namespace Etcd.Embedded;

/// <summary>etcdserverpb.Maintenance: Status only.</summary>
internal sealed class MaintenanceService(MvccStore store, Messages messages)
{
    /// <summary>The version of the API that is served, marked.</summary>
    public const string Version = "3.4.0-embedded";

    private Task<StatusResponse> StatusAsync()
    {
        var state = store.Current;
        var header = messages.Header(state.Revision);
        var response = new StatusResponse
        {
            Header = header,
            Version = Version,
            DbSize = state.Size,
            DbSizeInUse = state.Size,
            Leader = messages.MemberId,
            RaftIndex = (ulong)state.Revision,
            RaftAppliedIndex = (ulong)state.Revision,
            RaftTerm = header.RaftTerm,
        };
        if (store.Failure is { } failure)
            response.Errors.Add(failure.Message);
        return Task.FromResult(response);
    }

    /// <summary>Registers the method.</summary>
    internal sealed class Provider : IServiceMethodProvider<MaintenanceService>
    {
        public void OnServiceMethodDiscovery(
            ServiceMethodProviderContext<MaintenanceService> context) =>
            context.AddUnaryMethod(
            Wire.Unary<StatusRequest, StatusResponse>("etcdserverpb.Maintenance", "Status"), [],
            static (maintenance, _, _) => maintenance.StatusAsync());
    }
}
