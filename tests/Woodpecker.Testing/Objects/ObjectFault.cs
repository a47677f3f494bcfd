using Woodpecker.Storage.Objects;

namespace Woodpecker.Testing.Objects;

/// <summary>What happens to a call.</summary>
public enum ObjectFaultEffect
{
    /// <summary>The call fails and nothing was done.</summary>
    FailBefore,

    /// <summary>The call is done, its answer is lost.</summary>
    FailAfter,

    /// <summary>The call waits, then goes on.</summary>
    Delay,

    /// <summary>The call is done; its answer waits.</summary>
    DelayAfter,
}

/// <summary>One planted fault: hits the next <see cref="Times"/> calls that match.</summary>
public sealed record ObjectFault(ObjectOperation Operation, ObjectFaultEffect Effect)
{
    /// <summary>Calls to hit; the fault is used up after them.</summary>
    public int Times { get; init; } = 1;

    /// <summary>Matching calls to let pass first.</summary>
    public int Skip { get; init; }

    /// <summary>Which keys (for List: prefixes) are hit.</summary>
    public Func<string, bool> When { get; init; } = static _ => true;

    /// <summary>Kind of the failure; FailAfter of a put is Unknown whatever stands here.</summary>
    public ObjectStoreErrorKind Kind { get; init; } = ObjectStoreErrorKind.Unavailable;

    /// <summary>For the delays: until then; a task that never completes holds the call for ever (its token ends it).</summary>
    public Task Until { get; init; } = Task.CompletedTask;
}
