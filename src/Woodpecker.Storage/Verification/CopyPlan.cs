using Woodpecker.Reading;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Storage.Verification;

/// <summary>One copy of a segment key, and how to read it.</summary>
/// <param name="Source">Its name for people.</param>
/// <param name="End">Where it must end.</param>
/// <param name="IsExpected">Whether its absence tells anything: members may release what is published (U7).</param>
/// <param name="Open">Begins to read it from its first entry.</param>
internal sealed record CopyPlan(
    string Source, Offset? End, bool IsExpected, Func<CancellationToken, IAsyncEnumerable<VerifiedRun>> Open)
{
    /// <summary>The copies of a segment key, the likeliest to be whole first.</summary>
    public static async ValueTask<IReadOnlyList<CopyPlan>> ListAsync(
        CopyReaders readers, LogSnapshot snapshot, ReadSegment segment, CancellationToken cancellationToken)
    {
        var place = snapshot.AddressOf(segment);
        var first = snapshot.View.FirstAvailable;
        var log = snapshot.View.Log;
        if (segment.Mode == LogMode.MemoryBuffer && !segment.IsPublished)
            return [new CopyPlan("slots", segment.End, true, token => readers.ReadSlotsAsync(place, first, token))];
        List<CopyPlan> copies = [];
        if (segment.IsPublished)
            copies.Add(new CopyPlan("objects", segment.End, true, token => readers.ReadObjectsAsync(place, first, token)));
        for (var i = 0; i < segment.Members.Count; i++)
        {
            var member = i;
            var (last, failure) = segment.End is { } end
                ? (segment.EntryAt(end) + -1, null)
                : await readers.AskVisibleAsync(log, segment, member, cancellationToken);
            copies.Add(new CopyPlan(
                segment.Members[member].NodeId,
                segment.Base + (last.Value + 1),
                !segment.IsPublished,
                token => readers.ReadMemberAsync(log, segment, member, last, failure, first, token)));
        }

        // Of an open segment, the member that lets readers see most stands for the log.
        return segment.IsSealed ? copies : [.. copies.OrderByDescending(static copy => copy.End!.Value.Value)];
    }
}
