using System.Diagnostics;
using Woodpecker.Format.Entries;
using Woodpecker.Reading;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>
/// One client batch, checked against the limits and ready to be encoded: visible whole or not at all (INV-35).
/// </summary>
/// <remarks>
/// Ownership: payloads are borrowed until the append is answered, also if its caller stopped waiting: give memory that
///            is not reused. Headers and token are encoded here, once.
/// Threads:   immutable.
/// </remarks>
public sealed class AppendBatch
{
    private readonly NewEntry[] _entries;
    private readonly EntryAttributes[]? _attributes;

    private AppendBatch(
        NewEntry[] entries, EntryAttributes[]? attributes, in BatchFacts facts, long payloadBytes, int maxEncodedSize)
    {
        _entries = entries;
        _attributes = attributes;
        Facts = facts;
        PayloadBytes = payloadBytes;
        MaxEncodedSize = maxEncodedSize;
    }

    /// <summary>Count, producer, expected offset and tokens.</summary>
    public BatchFacts Facts { get; }

    /// <summary>Sum of the payloads, in bytes.</summary>
    public long PayloadBytes { get; }

    /// <summary>Upper bound of the encoded entries, in bytes.</summary>
    public int MaxEncodedSize { get; }

    /// <summary>
    /// W3C traceparent of the caller's span, if it is recorded: the frame carries it to the replicas.
    /// </summary>
    public string? TraceParent { get; private init; }

    /// <summary>The entries as the caller gave them.</summary>
    public ReadOnlySpan<NewEntry> Entries => _entries;

    /// <summary>Checks and prepares a batch.</summary>
    /// <param name="entries">1 to <see cref="AppendLimits.MaxBatchEntries"/> entries; the array is kept.</param>
    /// <param name="limits">The bounds of this process.</param>
    /// <param name="firstStamp">
    /// Stamp of the first entry; the others follow consecutively. Null without a producer.
    /// </param>
    /// <param name="expectedOffset">The offset the first entry must get, or null (P4).</param>
    /// <param name="fencingToken">The token the caller names, or null (P5).</param>
    /// <param name="setFencingToken">The token the first entry sets, empty to clear it, or null.</param>
    /// <exception cref="WoodpeckerException">Invalid: over a limit.</exception>
    public static AppendBatch Create(
        NewEntry[] entries,
        AppendLimits limits,
        ProducerStamp? firstStamp = null,
        Offset? expectedOffset = null,
        string? fencingToken = null,
        string? setFencingToken = null)
    {
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentNullException.ThrowIfNull(limits);
        if (entries.Length is 0 || entries.Length > limits.MaxBatchEntries)
            throw Invalid(
                "BatchCount", $"A batch has 1 to {limits.MaxBatchEntries} entries; this one has {entries.Length}.");
        if (firstStamp is { } stamp && stamp.Sequence > ulong.MaxValue - (ulong)entries.Length)
            throw Invalid("Sequence", "The sequence numbers of the batch do not fit in 64 bits.");
        if (expectedOffset is { } expected && expected.Value > Limits.MaxOffset)
            throw Invalid("ExpectedOffset", $"The expected offset is {expected}; the largest is {Limits.MaxOffset}.");
        CheckToken("fencing token", fencingToken);
        CheckToken("fencing token to set", setFencingToken);

        var attributes = EncodeAttributes(entries, setFencingToken);
        long payloadBytes = 0;
        var encoded = 0L;
        for (var i = 0; i < entries.Length; i++)
        {
            var length = entries[i].Payload.Length;
            if (length > limits.MaxEntrySize)
                throw Invalid("EntrySize", $"An entry has at most {limits.MaxEntrySize} bytes; this one has {length}.");
            payloadBytes += length;
            encoded += ToWrite(entries, attributes, firstStamp, i, 0).MaxEncodedSize;
        }

        if (payloadBytes > limits.MaxBatchSize)
            throw Invalid(
                "BatchSize", $"A batch has at most {limits.MaxBatchSize} payload bytes; this one has {payloadBytes}.");
        if (encoded > limits.MaxFrameSize - FrameHeader.Size - 3)
            throw Invalid(
                "BatchSize", $"A batch with its headers has at most {limits.MaxFrameSize} bytes when encoded.");
        var facts = new BatchFacts(entries.Length, firstStamp, expectedOffset, fencingToken, setFencingToken);
        return new AppendBatch(entries, attributes, facts, payloadBytes, (int)encoded)
        {
            TraceParent = Activity.Current is { Recorded: true } span ? span.Id : null,
        };
    }

    /// <summary>Fills the encoder's input for all entries.</summary>
    /// <param name="destination">At least <see cref="BatchFacts.Count"/> places.</param>
    /// <param name="timestamp">Microseconds since 1970 UTC.</param>
    // hot path: no allocation per entry
    internal void Fill(Span<EntryToWrite> destination, long timestamp)
    {
        for (var i = 0; i < _entries.Length; i++)
            destination[i] = ToWrite(_entries, _attributes, Facts.FirstStamp, i, timestamp);
    }

    private static EntryToWrite ToWrite(
        NewEntry[] entries, EntryAttributes[]? attributes, in ProducerStamp? firstStamp, int index, long timestamp) =>
        new()
        {
            Payload = entries[index].Payload,
            Attributes = attributes is null ? EntryAttributes.None : attributes[index],
            Timestamp = timestamp,
            Stamp = firstStamp is { } stamp ? stamp with { Sequence = stamp.Sequence + (ulong)index } : null,
            IsFirstOfBatch = index == 0,
            IsLastOfBatch = index == entries.Length - 1,
        };

    private static EntryAttributes[]? EncodeAttributes(NewEntry[] entries, string? setFencingToken)
    {
        EntryAttributes[]? attributes = null;
        for (var i = 0; i < entries.Length; i++)
        {
            var token = i == 0 ? setFencingToken : null;
            if (token is null && entries[i].Headers is not { Count: > 0 })
                continue;
            attributes ??= new EntryAttributes[entries.Length];
            attributes[i] = EntryAttributes.Encode(token, Pairs(entries[i].Headers));
        }

        return attributes;
    }

    private static KeyValuePair<string, ReadOnlyMemory<byte>>[] Pairs(IReadOnlyList<EntryHeaderField>? headers)
    {
        if (headers is null)
            return [];
        var pairs = new KeyValuePair<string, ReadOnlyMemory<byte>>[headers.Count];
        for (var i = 0; i < pairs.Length; i++)
            pairs[i] = new KeyValuePair<string, ReadOnlyMemory<byte>>(headers[i].Name, headers[i].Value);
        return pairs;
    }

    private static void CheckToken(string what, string? token)
    {
        if (token is null)
            return;
        var size = System.Text.Encoding.UTF8.GetByteCount(token);
        if (size > Limits.MaxFencingTokenSize)
        {
            throw Invalid(
                "FencingToken", $"The {what} has {size} bytes of UTF-8; the limit is {Limits.MaxFencingTokenSize}.");
        }
    }

    private static WoodpeckerException Invalid(string reason, string message) =>
        new(ErrorKind.Invalid, message) { Reason = reason };
}
