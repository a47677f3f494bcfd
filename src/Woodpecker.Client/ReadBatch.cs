using Woodpecker.Protocol.Control;
using Woodpecker.Reading;

namespace Woodpecker.Client;

/// <summary>
/// Entries that came together; empty when the visible end is reached and nothing is there (a sign of life while
/// following).
/// </summary>
/// <param name="Entries">Contiguous by offset.</param>
/// <param name="VisibleEnd">Offset after the last entry readers may see.</param>
public sealed record ReadBatch(IReadOnlyList<LogEntry> Entries, Offset VisibleEnd)
{
    /// <summary>
    /// Offsets that are declared lost and skipped here; only with <see cref="ReadOptions.SkipsDeclaredLoss"/>, and then
    /// once per range, in a batch without entries.
    /// </summary>
    public LostOffsets? Lost { get; init; }
}
