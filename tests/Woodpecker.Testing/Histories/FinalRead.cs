namespace Woodpecker.Testing.Histories;

/// <summary>Recorder of one reading of everything; what is not told here counts as not there. One thread.</summary>
public sealed class FinalRead
{
    private const int PartSize = 1000;

    private readonly History _history;
    private readonly long _op;
    private readonly List<SeenEntry> _part = [];

    internal FinalRead(History history, long op) => (_history, _op) = (history, op);

    public void Entry(ulong offset, ReadOnlySpan<byte> payload)
    {
        _part.Add(SeenEntry.Of(offset, payload));
        if (_part.Count == PartSize)
            Flush();
    }

    /// <summary>Offsets that were answered as Corrupt or DataLoss instead of entries, first and last.</summary>
    public void Hole(OperationOutcome answer, ulong from, ulong to)
    {
        Flush();
        _history.Add(new HistoryEvent
        {
            Op = _op,
            Kind = OperationKind.FinalRead,
            Step = HistoryStep.Part,
            Outcome = answer,
            Offset = from,
            To = to,
        });
    }

    /// <param name="first">First offset that is left after truncation; 0 without one.</param>
    /// <param name="end">Offset after the last entry.</param>
    public void End(ulong first, ulong end)
    {
        Flush();
        _history.Add(new HistoryEvent
        {
            Op = _op,
            Kind = OperationKind.FinalRead,
            Step = HistoryStep.Result,
            Outcome = OperationOutcome.Ok,
            Offset = first,
            To = end,
        });
    }

    private void Flush()
    {
        if (_part.Count == 0)
            return;
        _history.Add(new HistoryEvent
        {
            Op = _op,
            Kind = OperationKind.FinalRead,
            Step = HistoryStep.Part,
            Outcome = OperationOutcome.Ok,
            Entries = [.. _part],
        });
        _part.Clear();
    }
}
