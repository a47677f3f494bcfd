namespace Woodpecker.Storage.Objects;

/// <summary>A bounded account of retries: spent by each one, refilled slowly by successes. Thread-safe.</summary>
internal sealed class RetryBudget(int capacity)
{
    /// <summary>Successes that pay for one retry.</summary>
    private const int SuccessesPerRetry = 10;

    private readonly long _capacity = (long)capacity * SuccessesPerRetry;
    private long _balance = (long)capacity * SuccessesPerRetry;

    public void OnSuccess()
    {
        var balance = Volatile.Read(ref _balance);
        if (balance < _capacity)
            Interlocked.CompareExchange(ref _balance, balance + 1, balance);
    }

    public bool TrySpend()
    {
        if (Interlocked.Add(ref _balance, -SuccessesPerRetry) >= 0)
            return true;
        Interlocked.Add(ref _balance, SuccessesPerRetry);
        return false;
    }
}
