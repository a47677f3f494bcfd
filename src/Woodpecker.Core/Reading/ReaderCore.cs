namespace Woodpecker.Reading;

/// <summary>
/// Chooses the source of a read (V3): the members of a segment in turn, beginning with the one that answered last; the
/// objects first once they are published; after a whole round without an answer a back-off and fresh metadata. A source
/// is never asked twice in one round. Pure and single-threaded: one instance per reader.
/// </summary>
public sealed class ReaderCore
{
    /// <summary>Rounds over all sources before a failure is answered.</summary>
    public const int MaxRounds = 6;

    /// <summary>Pause after the first round.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest pause between rounds.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly List<ReadSource> _sources = [];
    private ReadSegment? _segment;
    private int _asked;
    private int _rounds;
    private int _preferredMember;
    private bool _sawCorrupt;
    private bool _sawUnavailable;
    private bool _sawMissing;
    private string? _missingManifest;
    private bool _isEndDoubted;

    /// <summary>Rounds without an answer so far.</summary>
    public int Rounds => _rounds;

    /// <summary>Begins, or begins again, to read in a segment as fresh metadata shows it.</summary>
    public ReaderDecision Begin(ReadSegment segment)
    {
        ArgumentNullException.ThrowIfNull(segment);
        if (_segment is null || _segment.First != segment.First)
            Forget();
        _segment = segment;
        _asked = 0;
        _sawCorrupt = _sawUnavailable = _sawMissing = false;
        ListSources(segment);
        return ReaderDecision.Ask(_sources[0]);
    }

    /// <summary>Takes the answer of the source that was to be asked.</summary>
    public ReaderDecision Step(ReadSource source, SourceAnswer answer)
    {
        Invariant.Check(
            _segment is not null && _asked < _sources.Count && _sources[_asked] == source, "one source at a time");
        switch (answer)
        {
            case SourceAnswer.Entries or SourceAnswer.NotYet:
                if (source.Kind == SourceKind.Member)
                    _preferredMember = source.Member;
                _rounds = 0;
                _missingManifest = null;
                _isEndDoubted = false;
                return ReaderDecision.Of(ReaderAction.Deliver);
            case SourceAnswer.EndOfSegment when !_segment.IsSealed && !_isEndDoubted:
                // A member learns of a seal after metadata did; if metadata does not know it, the member is wrong.
                _isEndDoubted = true;
                return ReaderDecision.Of(ReaderAction.Refresh);
            case SourceAnswer.Missing when _missingManifest != _segment.ManifestKey:
                // C3: the objects may have been replaced; look once, at once.
                _missingManifest = _segment.ManifestKey;
                return ReaderDecision.Of(ReaderAction.Refresh);
            case SourceAnswer.Missing:
                _sawMissing = true;
                break;
            case SourceAnswer.Corrupt:
                _sawCorrupt = true;
                break;
            default:
                // Short and EndOfSegment before the sealed end tell about the source, not about the entries (V2).
                _sawUnavailable = true;
                break;
        }

        return Next();
    }

    /// <summary>
    /// Prefers another member than the one that answers "not yet": it may lag for the rest of the segment (W3).
    /// </summary>
    public void Rotate()
    {
        if (_segment is { Members.Count: > 0 } segment)
            _preferredMember = (_preferredMember + 1) % segment.Members.Count;
    }

    /// <summary>Prefers a member that answered out of turn.</summary>
    public void Prefer(int member) => _preferredMember = member;

    private ReaderDecision Next()
    {
        if (++_asked < _sources.Count)
            return ReaderDecision.Ask(_sources[_asked]);
        _rounds++;
        // A damaged or absent copy does not heal by waiting unless another source may still come back.
        if (_sawMissing && !_sawUnavailable)
            return ReaderDecision.Fail(ReadOutcomeKind.DataLoss);
        if (_rounds < MaxRounds)
            return ReaderDecision.BackOff(PauseAfter(_rounds));
        _rounds = 0;
        return ReaderDecision.Fail(
            _sawMissing ? ReadOutcomeKind.DataLoss
            : _sawCorrupt ? ReadOutcomeKind.Corrupt
            : ReadOutcomeKind.Unavailable);
    }

    private void ListSources(ReadSegment segment)
    {
        _sources.Clear();
        if (segment.IsPublished)
            _sources.Add(new ReadSource(SourceKind.Objects, 0));
        else if (segment.Mode == LogMode.MemoryBuffer)
            _sources.Add(new ReadSource(SourceKind.Slots, 0));
        var count = segment.Members.Count;
        for (var i = 0; i < count; i++)
            _sources.Add(new ReadSource(SourceKind.Member, (_preferredMember + i) % count));
        Invariant.Check(_sources.Count > 0, "a segment has a source");
    }

    private void Forget()
    {
        _rounds = 0;
        _missingManifest = null;
        _isEndDoubted = false;
    }

    private static TimeSpan PauseAfter(int rounds)
    {
        var pause = FirstPause * Math.Pow(2, rounds - 1);
        return pause < LongestPause ? pause : LongestPause;
    }
}
