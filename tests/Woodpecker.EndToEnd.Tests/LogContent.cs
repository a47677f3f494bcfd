using System.Security.Cryptography;
using Woodpecker.Client;
using Woodpecker.Reading;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>Reads whole logs back and checks that they are what they should be.</summary>
internal static class LogContent
{
    /// <summary>All payloads one after another, with offsets checked to be dense from 0.</summary>
    public static async Task<(string Sha256, ulong Count)> DigestAsync(
        WoodpeckerClient client, string log, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ulong next = 0;
        await foreach (var entry in client.ReadAsync(log, new ReadOptions(), cancellationToken))
        {
            Assert.Equal(next, entry.Offset.Value); // INV-6: no gap, no repetition
            next++;
            hash.AppendData(entry.Payload.Span);
        }

        return (Convert.ToHexStringLower(hash.GetHashAndReset()), next);
    }

    /// <summary>All payloads as text lines.</summary>
    public static async Task<List<string>> LinesAsync(WoodpeckerClient client, string log, CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        await foreach (LogEntry entry in client.ReadAsync(log, new ReadOptions(), cancellationToken))
            lines.Add(System.Text.Encoding.UTF8.GetString(entry.Payload.Span));
        return lines;
    }
}
