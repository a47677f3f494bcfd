using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Woodpecker.Format.Entries;
using Woodpecker.Format.Objects;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Replicas;

namespace Woodpecker.Storage.Tests.Replicas;

/// <summary>A store on any medium, with a writer of one segment and a sink that remembers acknowledgements.</summary>
internal sealed class ReplicaFixture : IDisposable
{
    public static readonly Guid Cluster = new("6f1c2a00-0000-4000-8000-0000000000c1");
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static readonly JournalOptions SmallJournal = new()
    {
        FileSize = 128 * 1024,
        GroupSize = 16 * 1024,
        MaxRecordBody = 16 * 1024,
        Capacity = 16 * 1024 * 1024,
        ProducedBy = "test",
    };

    public ReplicaFixture(IJournalMedium medium, JournalOptions? journal = null, IEpochAuthority? authority = null)
    {
        Latch = new FailureLatch(failure => Failures.Add(failure));
        Store = ReplicaStore.Open(
            medium,
            new ReplicaStoreOptions { ClusterId = Cluster, NodeId = "replica-1", Journal = journal ?? SmallJournal },
            authority ?? new NoAuthority(), Latch, SystemIdSource.Instance, TimeProvider.System, NullLogger.Instance);
    }

    public ReplicaStore Store { get; }

    public FailureLatch Latch { get; }

    public ConcurrentBag<Exception> Failures { get; } = [];

    public static CancellationToken Soon() => new CancellationTokenSource(Limit).Token;

    public void Dispose() => Store.Dispose();

    private sealed class NoAuthority : IEpochAuthority
    {
        public ValueTask<LogEpoch?> ReadEpochAsync(LogId log, CancellationToken cancellationToken) => new((LogEpoch?)null);
    }
}

/// <summary>Remembers what was acknowledged and lets tests wait for it.</summary>
internal sealed class RecordingSink : IReplicaAckSink
{
    private readonly Lock _gate = new();
    private readonly Dictionary<SegmentKey, EntryId> _durable = [];
    private readonly List<(SegmentKey Key, EntryId Entry, TaskCompletionSource Source)> _waits = [];

    public void OnDurable(SegmentKey segment, LogEpoch epoch, EntryId durableEntry)
    {
        lock (_gate)
        {
            _durable[segment] = durableEntry;
            foreach (var wait in _waits.Where(wait => wait.Key == segment && wait.Entry <= durableEntry))
                wait.Source.TrySetResult();
        }
    }

    /// <summary>The last acknowledgement; null if none came, not even for the header.</summary>
    public EntryId? Acked(SegmentKey key)
    {
        lock (_gate)
            return _durable.TryGetValue(key, out var entry) ? entry : null;
    }

    public async Task WaitAsync(SegmentKey key, EntryId entry, TimeSpan? limit = null)
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_durable.TryGetValue(key, out var durable) && entry <= durable)
                return;
            _waits.Add((key, entry, source));
        }

        await source.Task.WaitAsync(limit ?? ReplicaFixture.Limit);
    }
}

/// <summary>Makes the header and the frames of one segment, as its writer would.</summary>
internal sealed class SegmentScript
{
    private readonly FrameWriter _writer = new();

    public SegmentScript(SegmentKey key, LogEpoch epoch, ReplicaId member, Offset baseOffset = default)
    {
        Key = key;
        Epoch = epoch;
        Header = new SegmentHeader
        {
            Log = key.Log,
            Segment = key.Segment,
            Epoch = epoch,
            BaseOffset = baseOffset,
            Ensemble = [member],
        };
        EncodedHeader = Header.Encode();
        Chain = Header.InitialChain;
        Chains.Add(Chain);
    }

    public SegmentKey Key { get; }

    public LogEpoch Epoch { get; }

    public SegmentHeader Header { get; }

    public byte[] EncodedHeader { get; }

    public ulong Chain { get; private set; }

    public List<ulong> Chains { get; } = [];

    public List<byte[]> Frames { get; } = [];

    public EntryId Last { get; private set; } = EntryId.None;

    /// <summary>The next frame: one entry of the given size with bytes that depend on its number.</summary>
    public byte[] Next(int payload = 100, EntryId? lac = null)
    {
        var first = Last + 1;
        var bytes = new byte[payload];
        new Random((int)first.Value + (int)Key.Log.Value).NextBytes(bytes);
        EntryToWrite[] entries = [new() { Payload = bytes, Timestamp = first.Value, IsFirstOfBatch = true, IsLastOfBatch = true }];
        var buffer = new byte[FrameWriter.MaxSize(entries)];
        var written = _writer.Write(
            new FrameStart(Key.Log, Key.Segment, Epoch, first, Header.BaseOffset + first.Value, lac ?? EntryId.None, Chain), entries, buffer);
        Chain = written.ChainAfter;
        Chains.Add(Chain);
        Last = first;
        var frame = buffer[..written.Length];
        Frames.Add(frame);
        return frame;
    }

    public ulong ChainAt(EntryId entry) => Chains[(int)entry.Value + 1];
}
