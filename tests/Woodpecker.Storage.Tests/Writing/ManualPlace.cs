using Woodpecker.Segments;
using Woodpecker.Storage.Writing;
using Woodpecker.Testing.Replicas;

namespace Woodpecker.Storage.Tests.Writing;

/// <summary>Segments whose sinks the test plays; members are three fixed names unless the test gives stores.</summary>
internal sealed class ManualPlace : ISegmentPlace
{
    private readonly Lock _gate = new();
    private readonly List<ManualSink> _sinks = [];

    public LogMode Mode => LogMode.QuorumBuffer;

    public Durability Durability => Durability.Disk2;

    public SendWindow? Window => null;

    public RollPolicy? RollLimit { get; set; }

    public bool ConfirmsAtOnce { get; set; }

    public bool HasMembers { get; set; } = true;

    public IReadOnlyList<ReplicaId> Members { get; set; } =
    [
        new ReplicaId("replica-1", new Guid(1, 0, 0, new byte[8]), 0),
        new ReplicaId("replica-2", new Guid(2, 0, 0, new byte[8]), 0),
        new ReplicaId("replica-3", new Guid(3, 0, 0, new byte[8]), 0),
    ];

    public IReadOnlyList<ManualSink> Sinks
    {
        get
        {
            lock (_gate)
                return [.. _sinks];
        }
    }

    public ManualSink Last => Sinks[^1];

    public ValueTask<IReadOnlyList<ReplicaId>> ChooseMembersAsync(
        SegmentKey segment, CancellationToken cancellationToken) =>
        HasMembers
            ? new ValueTask<IReadOnlyList<ReplicaId>>(Members)
            : throw new WoodpeckerException(ErrorKind.Unavailable, "planted") { Reason = "QuorumUnavailable" };

    public ISegmentSink OpenSink(SegmentOpening opening, ISinkListener listener)
    {
        var sink = new ManualSink(opening, listener) { ConfirmsAtOnce = ConfirmsAtOnce };
        lock (_gate)
            _sinks.Add(sink);
        return sink;
    }
}
