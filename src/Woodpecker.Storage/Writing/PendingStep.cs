using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>What a session does at the metadata store.</summary>
internal enum StepKind
{
    /// <summary>OpenNext.</summary>
    Open,

    /// <summary>The look at metadata before a roll (X8).</summary>
    Probe,

    /// <summary>The look at metadata before an idle segment is sealed (X8).</summary>
    Look,

    /// <summary>Roll.</summary>
    Roll,

    /// <summary>SealOwn.</summary>
    Seal,

    /// <summary>VerifySlot.</summary>
    Verify,

    /// <summary>Reassert.</summary>
    Reassert,

    /// <summary>Release.</summary>
    Release,
}

/// <summary>
/// The one step of a session that is under way; its outcome is published to the loop before the signal is raised.
/// </summary>
internal sealed class PendingStep
{
    private TransitionOutcome? _outcome;

    private PendingStep(StepKind kind, SegmentEnd end, long requestedLive, SlotMark mark) =>
        (Kind, End, RequestedLive, Mark) = (kind, end, requestedLive, mark);

    public StepKind Kind { get; }

    /// <summary>The end being sealed, for Roll and Seal.</summary>
    public SegmentEnd End { get; }

    /// <summary>The live key being named, for Reassert.</summary>
    public long RequestedLive { get; }

    /// <summary>What is being verified, for Verify.</summary>
    public SlotMark Mark { get; }

    public Task Task { get; private set; } = Task.CompletedTask;

    /// <summary>The outcome once the step is over.</summary>
    public TransitionOutcome? Outcome => Volatile.Read(ref _outcome);

    public static PendingStep Start(
        StepKind kind, Task<TransitionOutcome> work, AsyncSignal signal, SegmentEnd end = default,
        long requestedLive = 0, SlotMark mark = default)
    {
        var step = new PendingStep(kind, end, requestedLive, mark);
        step.Task = step.WatchAsync(work, signal);
        return step;
    }

    private async Task WatchAsync(Task<TransitionOutcome> work, AsyncSignal signal)
    {
        TransitionOutcome outcome;
        try
        {
            outcome = await work;
        }
        catch (Exception e)
        {
            // Values are expected; anything else is a defect, after which nothing is known (X7).
            outcome = new TransitionOutcome(Error: e, IsUnknown: true);
        }

        Volatile.Write(ref _outcome, outcome);
        signal.Raise();
    }
}
