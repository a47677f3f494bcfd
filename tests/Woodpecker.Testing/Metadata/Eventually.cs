using System.Diagnostics;

namespace Woodpecker.Testing.Metadata;

/// <summary>Waits for a condition with a limit; never for a while.</summary>
public static class Eventually
{
    /// <summary>Asks again every 20 ms; fails the test when the limit has passed.</summary>
    public static async Task BecomesTrueAsync(string what, Func<ValueTask<bool>> condition, TimeSpan? limit = null)
    {
        var allowed = limit ?? TimeSpan.FromSeconds(10);
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(watch.Elapsed < allowed, $"{what}: not within {allowed}.");
            await Task.Delay(20);
        }
    }
}
