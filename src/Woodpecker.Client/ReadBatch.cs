using Woodpecker.Reading;

namespace Woodpecker.Client;

/// <summary>
/// Entries that came together; empty when the visible end is reached and nothing is there (a sign of life while
/// following).
/// </summary>
/// <param name="Entries">Contiguous by offset.</param>
/// <param name="VisibleEnd">Offset after the last entry readers may see.</param>
public sealed record ReadBatch(IReadOnlyList<LogEntry> Entries, Offset VisibleEnd);
