using System.Text;
using Woodpecker.Format.Entries;
using Woodpecker.Reading;

namespace Woodpecker.Storage.Reading;

/// <summary>
/// Makes the entries that readers get out of verified views. Payload and header values are slices of the buffer.
/// </summary>
public static class EntryFactory
{
    /// <summary>The entry of a view.</summary>
    /// <param name="view">A view that a reader of <c>Format</c> verified.</param>
    /// <param name="buffer">
    /// The memory the view lies in; the entry keeps it alive and it must not change any more.
    /// </param>
    public static LogEntry Create(in EntryView view, ReadOnlyMemory<byte> buffer) => new(
        view.Offset,
        view.Timestamp,
        Slice(buffer, view.Payload),
        view.Headers.IsEmpty ? [] : ReadHeaders(view.Headers, buffer),
        view.HasStamp ? view.Stamp : null);

    private static List<EntryHeaderField> ReadHeaders(ReadOnlySpan<byte> encoded, ReadOnlyMemory<byte> buffer)
    {
        var headers = new List<EntryHeaderField>();
        var reader = new HeaderReader(encoded);
        while (reader.MoveNext())
            headers.Add(new EntryHeaderField(Encoding.UTF8.GetString(reader.Name), Slice(buffer, reader.Value)));
        return headers;
    }

    private static ReadOnlyMemory<byte> Slice(ReadOnlyMemory<byte> buffer, ReadOnlySpan<byte> part)
    {
        if (part.IsEmpty)
            return default;
        var isInside = buffer.Span.Overlaps(part, out var at) && at >= 0;
        Invariant.Check(isInside, "a view lies in its buffer");
        return buffer.Slice(at, part.Length);
    }
}
