using System.Buffers.Binary;

namespace Woodpecker.Format.Journals;

/// <summary>Body of a Promise record: logId u64, epoch u64. Smaller epochs of the log are refused for ever (R5).</summary>
/// <param name="Log">The log.</param>
/// <param name="Epoch">The promised epoch.</param>
public readonly record struct PromiseRecord(LogId Log, LogEpoch Epoch)
{
    /// <summary>Size of the body, in bytes.</summary>
    public const int Size = 16;

    internal const int LogAt = 0;
    internal const int EpochAt = 8;

    /// <summary>Writes <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination[LogAt..], Log.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[EpochAt..], Epoch.Value);
    }

    /// <summary>Reads a body.</summary>
    public static ReadStatus Read(ReadOnlySpan<byte> source, out PromiseRecord record)
    {
        record = default;
        if (source.Length != Size)
            return ReadStatus.Corrupt("promise record length", 0);
        record = new PromiseRecord(
            new LogId(BinaryPrimitives.ReadUInt64LittleEndian(source[LogAt..])),
            new LogEpoch(BinaryPrimitives.ReadUInt64LittleEndian(source[EpochAt..])));
        return ReadStatus.Ok;
    }
}
