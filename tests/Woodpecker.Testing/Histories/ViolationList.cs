namespace Woodpecker.Testing.Histories;

/// <summary>Violations of one log, bounded: a broken run breaks thousands of entries in the same way.</summary>
internal sealed class ViolationList(string log, int max)
{
    private readonly List<HistoryViolation> _found = [];

    public IReadOnlyList<HistoryViolation> Found => _found;

    public void Add(string invariant, ulong? offset, string text, params long[] operations)
    {
        if (_found.Count < max)
            _found.Add(new HistoryViolation(invariant, log, offset, text, operations));
    }
}
