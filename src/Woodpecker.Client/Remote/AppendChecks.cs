using System.Text;

namespace Woodpecker.Client.Remote;

/// <summary>Limits checked before an append is accepted: a batch refused later would hold up those behind it.</summary>
internal static class AppendChecks
{
    public static void Check(in NewEntry entry, int maxEntrySize)
    {
        if (entry.Payload.Length > maxEntrySize)
            throw Invalid($"An entry has {entry.Payload.Length} bytes; the limit is {maxEntrySize}.");
        if (entry.Headers is not { Count: > 0 } headers)
            return;
        if (headers.Count > Limits.MaxHeaders)
            throw Invalid($"An entry has {headers.Count} headers; the limit is {Limits.MaxHeaders}.");
        long size = 0;
        foreach (var header in headers)
        {
            if (string.IsNullOrEmpty(header.Name))
                throw Invalid("A header needs a name.");
            size += Encoding.UTF8.GetByteCount(header.Name) + header.Value.Length;
        }

        if (size > Limits.MaxHeadersSize)
            throw Invalid($"The headers of an entry have {size} bytes; the limit is {Limits.MaxHeadersSize}.");
    }

    /// <summary>Checks a batch; answers its size in the buffer.</summary>
    public static int Check(IReadOnlyList<NewEntry> entries, AppendOptions? options, int maxEntrySize)
    {
        ArgumentNullException.ThrowIfNull(entries);
        if (entries.Count is 0 or > Limits.MaxBatchEntries)
            throw Invalid($"A batch has 1 to {Limits.MaxBatchEntries} entries; this one has {entries.Count}.");
        long payload = 0;
        var bytes = 0L;
        foreach (var entry in entries)
        {
            Check(entry, maxEntrySize);
            payload += entry.Payload.Length;
            bytes += PendingBatch.SizeOf(entry);
        }

        if (payload > Limits.DefaultMaxBatchSize && entries.Count > 1)
            throw Invalid($"A batch has {payload} payload bytes; the limit is {Limits.DefaultMaxBatchSize}.");
        CheckToken(options?.FencingToken);
        CheckToken(options?.SetFencingToken);
        return (int)bytes;
    }

    private static void CheckToken(string? token)
    {
        if (token is not null && Encoding.UTF8.GetByteCount(token) > Limits.MaxFencingTokenSize)
            throw Invalid($"A fencing token has at most {Limits.MaxFencingTokenSize} bytes.");
    }

    private static WoodpeckerException Invalid(string message) => new(ErrorKind.Invalid, message);
}
