namespace Woodpecker.Storage.Objects;

/// <summary>How hard a store is asked again; every member bounds something.</summary>
public sealed record ObjectRetryOptions
{
    /// <summary>Tries of one call, the first included.</summary>
    public int MaxAttempts { get; init; } = 6;

    /// <summary>Deadline of one try, or one step of a listing, before what its bytes add by <see cref="SlowestRate"/>.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A try that moves its bytes more slowly than this counts as not answered, in bytes per second.</summary>
    public long SlowestRate { get; init; } = 1024 * 1024;

    /// <summary>Upper end of the first pause; it doubles with each further try.</summary>
    public TimeSpan FirstBackoff { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Upper end of any pause.</summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Retries that may be saved up; each success gives back a tenth. An empty budget ends retrying, so that an outage does not multiply the load.</summary>
    public int RetryBudget { get; init; } = 100;
}
