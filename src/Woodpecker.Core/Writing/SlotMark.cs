namespace Woodpecker.Writing;

/// <summary>A prefix of the slots of one segment: slots 0..Slot, entries 0..LastEntry.</summary>
/// <param name="Slot">Its last slot.</param>
/// <param name="LastEntry">The last entry in that slot.</param>
public readonly record struct SlotMark(ulong Slot, EntryId LastEntry);
