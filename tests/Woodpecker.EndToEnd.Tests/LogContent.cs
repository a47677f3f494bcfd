using System.Security.Cryptography;
using System.Text;
using Woodpecker.Client;
using Woodpecker.Reading;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>
/// Reads whole logs back and checks that they are what they should be. What was acknowledged becomes visible within
/// moments (V7), so the reader waits for as many entries as there must be, and then looks whether there are more.
/// </summary>
internal static class LogContent
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    /// <summary>Digest of all payloads one after another.</summary>
    public static async Task<(string Sha256, ulong Count)> DigestAsync(
        WoodpeckerClient client, string log, ulong expectedCount, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ulong count = 0;
        await foreach (var entry in ReadAllAsync(client, log, expectedCount, cancellationToken))
        {
            count++;
            hash.AppendData(entry.Payload.Span);
        }

        return (Convert.ToHexStringLower(hash.GetHashAndReset()), count);
    }

    /// <summary>All payloads as text lines.</summary>
    public static async Task<List<string>> LinesAsync(
        WoodpeckerClient client, string log, int expectedCount, CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        await foreach (var entry in ReadAllAsync(client, log, (ulong)expectedCount, cancellationToken))
            lines.Add(Encoding.UTF8.GetString(entry.Payload.Span));
        return lines;
    }

    private static async IAsyncEnumerable<LogEntry> ReadAllAsync(
        WoodpeckerClient client,
        string log,
        ulong expectedCount,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_limit);
        ulong next = 0;
        var expected = new ReadOptions { Follow = true, MaxEntries = (long)expectedCount };
        var rest = new ReadOptions { From = new Offset(expectedCount) };
        foreach (var options in new[] { expected, rest })
        {
            await foreach (var entry in client.ReadAsync(log, options, limit.Token))
            {
                Assert.Equal(next, entry.Offset.Value); // INV-6: no gap, no repetition
                next++;
                yield return entry;
            }
        }
    }
}
