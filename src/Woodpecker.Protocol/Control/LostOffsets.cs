namespace Woodpecker.Protocol.Control;

/// <summary>Offsets that a declared loss skips: they show nothing, now and for ever.</summary>
/// <param name="From">The first one.</param>
/// <param name="To">The last one; the log goes on right behind it.</param>
public sealed record LostOffsets(ulong From, ulong To);
