using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Woodpecker.Protocol.V1;
using ReaderBase = Woodpecker.Protocol.V1.Reader.ReaderBase;

namespace Woodpecker.Services.Tests.Client;

/// <summary>Serves entries "0", "1", … in messages of three and breaks streams as told.</summary>
internal sealed class FaultyReader(int count, Func<int, bool> breaksAt) : ReaderBase
{
    private int _messages;

    /// <summary>Added to every offset sent, to lie.</summary>
    public ulong Skew { get; init; }

    public List<ulong> Starts { get; } = [];

    public override async Task Read(
        ReadRequest request, IServerStreamWriter<ReadReply> responseStream, ServerCallContext context)
    {
        Starts.Add(request.From);
        for (var next = request.From; next < (ulong)count;)
        {
            if (breaksAt(_messages++))
                throw new RpcException(new Status(StatusCode.Unavailable, "killed"));
            var entries = new ReadReply.Types.Entries { VisibleEnd = (ulong)count };
            for (var i = 0; i < 3 && next < (ulong)count; i++, next++)
            {
                var payload = ByteString.CopyFrom(Encoding.ASCII.GetBytes($"{next}"));
                entries.Entries_.Add(new ReadEntry { Offset = next + Skew, Payload = payload });
            }

            await responseStream.WriteAsync(new ReadReply { Entries = entries });
        }
    }
}
