using Woodpecker.Format.Journals;

namespace Woodpecker.Storage.Journal;

/// <summary>Joins the parts of a checkpoint or file index.</summary>
internal sealed class ContentAssembler
{
    private readonly List<byte> _content = [];
    private int _next;

    /// <summary>Takes the next part; the whole content with the last one, else null.</summary>
    public byte[]? Add(ReadOnlySpan<byte> body)
    {
        if (!RecordPart.Read(body, out var part, out var slice).IsOk || (part.Part != 0 && part.Part != _next))
            return null;
        if (part.Part == 0)
            _content.Clear();
        _content.AddRange(slice);
        _next = part.Part + 1;
        return _next == part.Parts ? _content.ToArray() : null;
    }
}
