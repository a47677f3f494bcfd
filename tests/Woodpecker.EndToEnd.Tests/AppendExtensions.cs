using Woodpecker.Client;

namespace Woodpecker.EndToEnd.Tests;

internal static class AppendExtensions
{
    /// <summary>Awaits the append and fails unless it is durable.</summary>
    public static async Task<Offset> EnsureOkAsync(this ValueTask<AppendResult> append) => (await append).EnsureOk();
}
