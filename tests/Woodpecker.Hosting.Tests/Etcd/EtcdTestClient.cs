using Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>
/// Raw gRPC to a server: what the client package wraps, without its retries. Keys are below a prefix of one's own.
/// </summary>
internal sealed class EtcdTestClient : IDisposable
{
    private readonly GrpcChannel _channel;

    public EtcdTestClient(EtcdProcess server)
    {
        _channel = GrpcChannel.ForAddress(server.ClientUrl, new GrpcChannelOptions
        {
            MaxReceiveMessageSize = null,
            HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true },
        });
        Kv = new KV.KVClient(_channel);
        Leases = new Lease.LeaseClient(_channel);
        Watches = new Watch.WatchClient(_channel);
        Maintenance = new Maintenance.MaintenanceClient(_channel);
    }

    public KV.KVClient Kv { get; }

    public Lease.LeaseClient Leases { get; }

    public Watch.WatchClient Watches { get; }

    public Maintenance.MaintenanceClient Maintenance { get; }

    /// <summary>Ends in '/'.</summary>
    public string Root { get; } = $"t{Guid.NewGuid():N}/";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public CallInvoker Invoker => _channel.CreateCallInvoker();

    public ByteString Key(string name) => ByteString.CopyFromUtf8(Root + name);

    public static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    /// <summary>End of the range of keys that start with the name.</summary>
    public ByteString EndOf(string name)
    {
        var end = Key(name).ToByteArray();
        end[^1]++;
        return ByteString.CopyFrom(end);
    }

    public async Task<PutResponse> PutAsync(
        string name, string value, long lease = 0, bool prevKv = false) =>
        await Kv.PutAsync(
        new PutRequest { Key = Key(name), Value = Bytes(value), Lease = lease, PrevKv = prevKv }, cancellationToken: Stop);

    public async Task<long> PutRevisionAsync(string name, string value, long lease = 0) =>
        (await PutAsync(name, value, lease)).Header.Revision;

    public async Task<RangeResponse> GetAsync(string name, long revision = 0) =>
        await Kv.RangeAsync(new RangeRequest { Key = Key(name), Revision = revision }, cancellationToken: Stop);

    /// <summary>A range over everything below a name, further described by the caller.</summary>
    public async Task<RangeResponse> RangeAsync(string name, Action<RangeRequest>? describe = null)
    {
        var request = new RangeRequest { Key = Key(name), RangeEnd = EndOf(name) };
        describe?.Invoke(request);
        return await Kv.RangeAsync(request, cancellationToken: Stop);
    }

    public async Task<DeleteRangeResponse> DeleteAsync(string name, bool prevKv = false) =>
        await Kv.DeleteRangeAsync(new DeleteRangeRequest { Key = Key(name), PrevKv = prevKv }, cancellationToken: Stop);

    public async Task<TxnResponse> TxnAsync(TxnRequest request) => await Kv.TxnAsync(request, cancellationToken: Stop);

    public async Task CompactAsync(long revision) =>
        await Kv.CompactAsync(new CompactionRequest { Revision = revision, Physical = true }, cancellationToken: Stop);

    public async Task<LeaseGrantResponse> GrantAsync(long seconds, long id = 0) =>
        await Leases.LeaseGrantAsync(new LeaseGrantRequest { TTL = seconds, ID = id }, cancellationToken: Stop);

    public RequestOp PutOp(string name, string value, long lease = 0) =>
        new() { RequestPut = new PutRequest { Key = Key(name), Value = Bytes(value), Lease = lease } };

    public RequestOp DeleteOp(string name) => new() { RequestDeleteRange = new DeleteRangeRequest { Key = Key(name) } };

    public RequestOp GetOp(string name) => new() { RequestRange = new RangeRequest { Key = Key(name) } };

    public void Dispose() => _channel.Dispose();

    /// <summary>The call is refused with this code and exactly this message.</summary>
    public static async Task AssertRefusedAsync(StatusCode code, string message, Func<Task> call)
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal((code, message), (refusal.StatusCode, refusal.Status.Detail));
    }
}
