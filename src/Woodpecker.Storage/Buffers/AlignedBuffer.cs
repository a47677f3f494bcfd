using System.Buffers;
using System.Runtime.InteropServices;

namespace Woodpecker.Storage.Buffers;

/// <summary>Unmanaged memory at an address that direct I/O accepts; zeroed when made.</summary>
/// <remarks>Ownership: whoever made it disposes it; no span of it may be used afterwards.</remarks>
public sealed unsafe class AlignedBuffer : MemoryManager<byte>
{
    private readonly int _length;
    private byte* _pointer;

    /// <summary>Allocates <paramref name="length"/> bytes, a multiple of <see cref="Limits.JournalAlignment"/>.</summary>
    public AlignedBuffer(int length)
    {
        Invariant.Check(length > 0 && length % Limits.JournalAlignment == 0, "J4: aligned length");
        _pointer = (byte*)NativeMemory.AlignedAlloc((nuint)length, Limits.JournalAlignment);
        _length = length;
        GetSpan().Clear();
        GC.AddMemoryPressure(length);
    }

    /// <summary>Size in bytes.</summary>
    public int Length => _length;

    /// <inheritdoc/>
    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_pointer is null, this);
        return new Span<byte>(_pointer, _length);
    }

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ObjectDisposedException.ThrowIf(_pointer is null, this);
        return new MemoryHandle(_pointer + elementIndex);
    }

    /// <inheritdoc/>
    public override void Unpin()
    {
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_pointer is null)
            return;
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
        GC.RemoveMemoryPressure(_length);
    }
}
