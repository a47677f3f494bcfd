using System.Runtime.CompilerServices;

namespace Woodpecker.Storage.Buffers;

/// <summary>Managed memory at an address that direct I/O accepts, for bytes that outlive the read: the collector owns it.</summary>
internal static class AlignedArray
{
    /// <summary>At least <paramref name="length"/> bytes, rounded up to the alignment, not zeroed.</summary>
    public static unsafe Memory<byte> Allocate(int length)
    {
        var rounded = checked((length + Limits.JournalAlignment - 1) / Limits.JournalAlignment * Limits.JournalAlignment);
        var array = GC.AllocateUninitializedArray<byte>(rounded + Limits.JournalAlignment, pinned: true);
        var address = (nuint)Unsafe.AsPointer(ref array[0]);
        var skip = (int)((Limits.JournalAlignment - (address % Limits.JournalAlignment)) % Limits.JournalAlignment);
        return array.AsMemory(skip, rounded);
    }
}
