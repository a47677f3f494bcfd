using System.Text;
using Woodpecker.Reading;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Testing.Reading;

/// <summary>Published objects by their manifest's key, in memory.</summary>
public sealed class PaperObjects : ISegmentSource
{
    private readonly Dictionary<string, (Offset Base, int Count)> _objects = [];

    public static ReadOnlyMemory<byte> Payload(ulong offset) => Encoding.ASCII.GetBytes($"{offset}");

    public void Put(string key, Offset start, int count) => _objects[key] = (start, count);

    public void Remove(string key) => _objects.Remove(key);

    public ValueTask<SourceRead> ReadAsync(
        SegmentAddress place, Offset from, int maxBytes, CancellationToken cancellationToken)
    {
        if (!_objects.TryGetValue(place.Value.Manifest!.Key, out var found))
            return ValueTask.FromResult(SourceRead.Failed(SourceAnswer.Missing, place.Value.Manifest.Key));
        var entries = new List<LogEntry>();
        for (var i = from - found.Base; i < found.Count; i++)
        {
            var offset = found.Base + i;
            entries.Add(new LogEntry(offset, 1_000 + i, Payload(offset.Value), [], null));
        }

        return ValueTask.FromResult(SourceRead.Of(entries, new EntryId(found.Count - 1)));
    }
}
