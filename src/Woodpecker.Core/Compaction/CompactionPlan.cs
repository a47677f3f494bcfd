namespace Woodpecker.Compaction;

/// <summary>Adjacent keys to merge into one.</summary>
/// <param name="FirstIndex">Index of the first key in the list that was planned over.</param>
/// <param name="Count">How many keys, 2 to 60.</param>
/// <param name="StoredBytes">Their stored bytes.</param>
public readonly record struct CompactionPlan(int FirstIndex, int Count, long StoredBytes);
