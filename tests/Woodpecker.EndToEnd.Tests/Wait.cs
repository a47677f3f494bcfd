using System.Diagnostics;

namespace Woodpecker.EndToEnd.Tests;

internal static class Wait
{
    /// <summary>Until the condition holds; fails with what is known when it does not in time.</summary>
    public static async Task ForAsync(string what, Func<bool> condition, TimeSpan limit, Func<string>? known = null)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < limit, $"{what}: not within {limit}. {known?.Invoke()}");
            await Task.Delay(50);
        }
    }
}
