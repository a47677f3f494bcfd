namespace Woodpecker.Tool.Commands;

/// <summary>What an append did.</summary>
internal sealed record AppendSummary(
    string Log, ulong? FirstOffset, ulong? LastOffset, long Entries, long Bytes, string? Durability, double Seconds);
