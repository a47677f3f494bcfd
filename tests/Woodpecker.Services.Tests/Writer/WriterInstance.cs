using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Transport;
using Woodpecker.Protocol.V1;
using Woodpecker.Writer.Ownership;
using WireEntry = Woodpecker.Protocol.V1.NewEntry;
using WriterClient = Woodpecker.Protocol.V1.Writer.WriterClient;

namespace Woodpecker.Services.Tests.Writer;

/// <summary>One running writer and a plain gRPC client of it.</summary>
internal sealed class WriterInstance(string appId, WebApplication app, Uri address) : IAsyncDisposable
{
    private readonly GrpcChannel _channel = GrpcChannel.ForAddress(address);
    private bool _isGone;

    public string AppId { get; } = appId;

    public Uri Address { get; } = address;

    public LogOwnership Ownership => app.Services.GetRequiredService<LogOwnership>();

    public T Get<T>()
        where T : notnull => app.Services.GetRequiredService<T>();

    /// <summary>From now on this process does not reach the other; others do.</summary>
    public void CutFrom(string appId) => ((SeverableChannels)Get<IPeerChannels>()).Cut(appId);

    /// <summary>A client of its HTTP surface; the app port speaks HTTP/2 only.</summary>
    public HttpClient OpenHttp() => new()
    {
        BaseAddress = Address,
        DefaultRequestVersion = System.Net.HttpVersion.Version20,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    /// <summary>Opens an append stream.</summary>
    public AppendStream Open() => new(new WriterClient(_channel).Append());

    /// <summary>One append on a stream of its own.</summary>
    public async Task<AppendResult> AppendAsync(string log, string text, ProducerStamp? stamp = null)
    {
        await using var stream = Open();
        await stream.SendAsync(1, log, [text], stamp);
        return await stream.ReceiveAsync();
    }

    /// <summary>
    /// Drops the process's sessions and live key without sealing or releasing anything: what a kill leaves.
    /// </summary>
    public async Task KillAsync(LogId log)
    {
        await Ownership.DropAsync(log);
        _isGone = true;
    }

    /// <summary>Planned stop.</summary>
    public async Task StopAsync()
    {
        await app.StopAsync();
        _isGone = true;
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        if (!_isGone)
            await app.StopAsync();
        await app.DisposeAsync();
    }

    internal sealed class AppendStream(AsyncDuplexStreamingCall<AppendRequest, AppendReply> call) : IAsyncDisposable
    {
        public Task SendAsync(ulong requestId, string log, IEnumerable<string> entries, ProducerStamp? stamp = null)
        {
            var request = new AppendRequest { RequestId = requestId, Log = log };
            foreach (var entry in entries)
                request.Entries.Add(new WireEntry { Payload = ByteString.CopyFrom(entry, Encoding.UTF8) });
            if (stamp is { } known)
                request.Producer = EntryMapping.ToWire(known);
            return call.RequestStream.WriteAsync(request);
        }

        public async Task<AppendResult> ReceiveAsync() => (await ReceiveWithIdAsync()).Result;

        public async Task<(ulong RequestId, AppendResult Result)> ReceiveWithIdAsync()
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(40));
            Assert.True(await call.ResponseStream.MoveNext(limit.Token));
            return (call.ResponseStream.Current.RequestId, AppendMapping.ToResult(call.ResponseStream.Current));
        }

        public async ValueTask DisposeAsync()
        {
            await call.RequestStream.CompleteAsync();
            call.Dispose();
        }
    }
}
