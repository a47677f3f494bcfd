using System.Globalization;

namespace Woodpecker.Format.Objects;

/// <summary>Kinds of objects under a log.</summary>
public enum ObjectKind
{
    /// <summary>Blocks of one or more segments, written by the holder of a job token.</summary>
    Segment,

    /// <summary>Manifest of such objects.</summary>
    Manifest,

    /// <summary>A slot of MemoryBuffer under conditional puts.</summary>
    Slot,

    /// <summary>A slot of MemoryBuffer in the fallback with verification in metadata.</summary>
    VerifiedSlot,
}

/// <summary>The parts of an object's name; those that its kind does not have are 0.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Log">The log.</param>
/// <param name="Segment">The segment (of a merged object: the oldest).</param>
/// <param name="JobToken">Of segment objects and manifests: token of the job that wrote it, so that no other job finds it (C5).</param>
/// <param name="Part">Of segment objects: number in the manifest, from 1.</param>
/// <param name="Slot">Of slots: the slot's number.</param>
/// <param name="Epoch">Of verified slots: the writing epoch.</param>
/// <param name="SlotNonce">Of verified slots: the segment's slot nonce.</param>
public readonly record struct ObjectName(
    ObjectKind Kind,
    LogId Log,
    SegmentId Segment,
    long JobToken = 0,
    int Part = 0,
    ulong Slot = 0,
    LogEpoch Epoch = default,
    ulong SlotNonce = 0);

/// <summary>
/// Names of objects below the root of the store: fixed widths, lower case, ASCII, no user text. Built and parsed here only.
/// </summary>
/// <remarks>
/// Shape: <c>{logId:x16}/{segId:020}/</c> and then <c>{jobToken:x16}-{part:04}.wps</c>, <c>{jobToken:x16}-m.wpm</c>,
///        <c>s-{slot:020}.wpb</c> or <c>s-{slot:020}-{epoch:x16}-{slotNonce:x16}.wpb</c>.
/// </remarks>
public static class ObjectNames
{
    /// <summary>Largest part number.</summary>
    public const int MaxPart = 9_999;

    private const int FolderLength = 16 + 1 + 20 + 1;

    /// <summary>What all names of a log begin with.</summary>
    public static string LogPrefix(LogId log) => $"{log.ToKey()}/";

    /// <summary>What all names of a segment begin with.</summary>
    public static string SegmentPrefix(LogId log, SegmentId segment) => $"{log.ToKey()}/{segment.ToKey()}/";

    /// <summary>Name of a segment object.</summary>
    public static string Segment(LogId log, SegmentId segment, long jobToken, int part)
    {
        Invariant.Check(jobToken > 0 && part is > 0 and <= MaxPart, "U4: object names");
        return string.Create(CultureInfo.InvariantCulture, $"{SegmentPrefix(log, segment)}{jobToken:x16}-{part:D4}.wps");
    }

    /// <summary>Name of a manifest.</summary>
    public static string Manifest(LogId log, SegmentId segment, long jobToken)
    {
        Invariant.Check(jobToken > 0, "U4: object names");
        return string.Create(CultureInfo.InvariantCulture, $"{SegmentPrefix(log, segment)}{jobToken:x16}-m.wpm");
    }

    /// <summary>Name of a slot under conditional puts.</summary>
    public static string Slot(LogId log, SegmentId segment, ulong slot) =>
        string.Create(CultureInfo.InvariantCulture, $"{SegmentPrefix(log, segment)}s-{slot:D20}.wpb");

    /// <summary>Name of a slot that is verified in metadata (B10).</summary>
    public static string VerifiedSlot(LogId log, SegmentId segment, ulong slot, LogEpoch epoch, ulong slotNonce) =>
        string.Create(
            CultureInfo.InvariantCulture, $"{SegmentPrefix(log, segment)}s-{slot:D20}-{epoch.Value:x16}-{slotNonce:x16}.wpb");

    /// <summary>Takes a name apart; false unless building it again gives exactly the same text.</summary>
    public static bool TryParse(string text, out ObjectName name)
    {
        ArgumentNullException.ThrowIfNull(text);
        name = default;
        if (text.Length <= FolderLength || text[16] != '/' || text[FolderLength - 1] != '/'
            || !TryHex(text.AsSpan(0, 16), out var log) || !TryDecimal(text.AsSpan(17, 20), out var segment))
        {
            return false;
        }

        return TryParseFile(text.AsSpan(FolderLength), new LogId(log), new SegmentId(segment), out name);
    }

    /// <summary>The name's text.</summary>
    public static string Format(in ObjectName name) => name.Kind switch
    {
        ObjectKind.Segment => Segment(name.Log, name.Segment, name.JobToken, name.Part),
        ObjectKind.Manifest => Manifest(name.Log, name.Segment, name.JobToken),
        ObjectKind.Slot => Slot(name.Log, name.Segment, name.Slot),
        _ => VerifiedSlot(name.Log, name.Segment, name.Slot, name.Epoch, name.SlotNonce),
    };

    private static bool TryParseFile(ReadOnlySpan<char> file, LogId log, SegmentId segment, out ObjectName name)
    {
        name = default;
        if (file.Length == 25 && file[16] == '-' && file.EndsWith(".wps") && TryToken(file, out var token)
            && TryDecimal(file.Slice(17, 4), out var part) && part > 0)
        {
            name = new ObjectName(ObjectKind.Segment, log, segment, token, (int)part);
            return true;
        }

        if (file.Length == 22 && file[16..].SequenceEqual("-m.wpm") && TryToken(file, out token))
        {
            name = new ObjectName(ObjectKind.Manifest, log, segment, token);
            return true;
        }

        if (file.Length < 26 || !file.StartsWith("s-") || !file.EndsWith(".wpb") || !TryDecimal(file.Slice(2, 20), out var slot))
            return false;
        if (file.Length == 26)
        {
            name = new ObjectName(ObjectKind.Slot, log, segment, Slot: slot);
            return true;
        }

        if (file.Length != 60 || file[22] != '-' || file[39] != '-'
            || !TryHex(file.Slice(23, 16), out var epoch) || !TryHex(file.Slice(40, 16), out var nonce))
        {
            return false;
        }

        name = new ObjectName(ObjectKind.VerifiedSlot, log, segment, Slot: slot, Epoch: new LogEpoch(epoch), SlotNonce: nonce);
        return true;
    }

    private static bool TryToken(ReadOnlySpan<char> file, out long token)
    {
        var isToken = TryHex(file[..16], out var value) && value is > 0 and <= long.MaxValue;
        token = isToken ? (long)value : 0;
        return isToken;
    }

    private static bool TryHex(ReadOnlySpan<char> digits, out ulong value)
    {
        value = 0;
        foreach (var c in digits)
        {
            var digit = c switch { >= '0' and <= '9' => c - '0', >= 'a' and <= 'f' => c - 'a' + 10, _ => -1 };
            if (digit < 0)
                return false;
            value = (value << 4) | (uint)digit;
        }

        return true;
    }

    private static bool TryDecimal(ReadOnlySpan<char> digits, out ulong value)
    {
        value = 0;
        foreach (var c in digits)
        {
            if (c is < '0' or > '9')
                return false;
            var digit = (uint)(c - '0');
            if (value > (ulong.MaxValue - digit) / 10)
                return false;
            value = (value * 10) + digit;
        }

        return true;
    }
}
