using System.Diagnostics;

namespace Woodpecker.Hosting.Tests.Aspire.Embedded;

internal static class Wait
{
    /// <summary>Until the condition holds; fails with what is known when it does not in time.</summary>
    public static async Task ForAsync(string what, Func<bool> condition, Func<string>? known = null)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < TestApplication.Limit,
                $"{what}: not within {TestApplication.Limit}. {known?.Invoke()}");
            await Task.Delay(20);
        }
    }
}
