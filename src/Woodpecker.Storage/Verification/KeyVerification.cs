using System.Runtime.CompilerServices;
using Woodpecker.Reading;
using Woodpecker.Storage.Reading;

namespace Woodpecker.Storage.Verification;

/// <summary>Verifies one segment key: its copies in turn until one is good, or all of them.</summary>
internal sealed class KeyVerification(
    CopyReaders readers, LogSnapshot snapshot, ReadSegment segment, bool isEverySource, EntryTally before)
{
    private const ulong ProgressBytes = 16UL * 1024 * 1024;

    private ulong _shown;

    /// <summary>Of the best copy.</summary>
    public EntryTally Tally { get; private set; }

    /// <summary>Where the best copy ends.</summary>
    public Offset End { get; private set; } = segment.Base;

    /// <summary>Whether a good copy was found and nothing speaks against any other.</summary>
    public bool IsSound { get; private set; }

    /// <summary>Copies and findings; valid if metadata did not change meanwhile.</summary>
    public List<VerifyStep> Steps { get; } = [];

    /// <summary>Reads the copies; yields signs of life only.</summary>
    public async IAsyncEnumerable<VerifyStep> RunAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<VerifyStep> silent = [];
        CopyFold? good = null;
        var copies = await CopyPlan.ListAsync(readers, snapshot, segment, cancellationToken);
        foreach (var copy in copies)
        {
            var fold = new CopyFold(snapshot.View.Log, segment, snapshot.Values[segment.First]);
            VerifyStep? finding = null;
            _shown = 0;
            await using var runs = copy.Open(cancellationToken).GetAsyncEnumerator(cancellationToken);
            while (finding is null)
            {
                (var isRun, finding) = await TakeAsync(runs, fold, copy);
                if (!isRun)
                    break;
                if (fold.Tally.Bytes - _shown >= ProgressBytes)
                    yield return Progress(fold);
            }

            finding ??= Judge(fold, copy, good);
            if (finding is null)
            {
                Steps.Add(Good(fold, copy));
                good ??= fold;
                if (!isEverySource)
                    break;
            }
            else if (finding.Problem != ErrorKind.Unavailable || (isEverySource && copy.IsExpected))
            {
                Steps.Add(finding);
            }
            else if (copy.IsExpected)
            {
                silent.Add(finding);
            }
        }

        Conclude(good, silent);
    }

    private void Conclude(CopyFold? good, List<VerifyStep> silent)
    {
        if (good is not null)
        {
            (Tally, End) = (good.Tally, good.Next);
            IsSound = Steps.TrueForAll(static step => step.Kind == VerifyStepKind.Copy);
            return;
        }

        // No copy is left to read: what readers get is what is told here.
        var problems = Steps.Where(static step => step.Kind == VerifyStepKind.Finding).Concat(silent).ToList();
        Steps.Clear();
        Steps.AddRange(problems.Select(static problem => problem with { IsUnreadable = true }));
    }

    private async ValueTask<(bool IsRun, VerifyStep? Finding)> TakeAsync(
        IAsyncEnumerator<VerifiedRun> runs, CopyFold fold, CopyPlan copy)
    {
        try
        {
            if (!await runs.MoveNextAsync())
                return (false, null);
            return fold.Take(runs.Current) is { } wrong ? (false, Wrong(fold, copy, ErrorKind.Corrupt, wrong)) : (true, null);
        }
        catch (WoodpeckerException e) when (e.Kind is ErrorKind.Corrupt or ErrorKind.Unavailable)
        {
            return (false, Wrong(fold, copy, e.Reason == "Missing" ? ErrorKind.DataLoss : e.Kind, e.Message));
        }
    }

    private VerifyStep? Judge(CopyFold fold, CopyPlan copy, CopyFold? good)
    {
        if (copy.End is { } end && fold.Finish(end) is { } wrong)
            return Wrong(fold, copy, ErrorKind.Corrupt, wrong);
        // INV-39: copies that end at the same entry are the same.
        return good is not null && good.Next == fold.Next
            && (good.Tally != fold.Tally || (good.Tally.Entries > 0 && good.Chain != fold.Chain))
            ? Wrong(fold, copy, ErrorKind.Corrupt, "it differs from another copy that is good in itself")
            : null;
    }

    private VerifyStep Wrong(CopyFold fold, CopyPlan copy, ErrorKind problem, string what) => new()
    {
        Kind = VerifyStepKind.Finding,
        Segment = segment.First,
        Source = copy.Source,
        From = fold.Next,
        To = copy.End ?? fold.Next,
        Problem = problem,
        Detail = what,
    };

    private VerifyStep Progress(CopyFold fold)
    {
        _shown = fold.Tally.Bytes;
        var sum = before + fold.Tally;
        return new VerifyStep
        {
            Kind = VerifyStepKind.Progress,
            Segment = segment.First,
            To = fold.Next,
            Entries = sum.Entries,
            Bytes = sum.Bytes,
        };
    }

    private VerifyStep Good(CopyFold fold, CopyPlan copy) => new()
    {
        Kind = VerifyStepKind.Copy,
        Segment = segment.First,
        Source = copy.Source,
        From = segment.Base,
        To = fold.Next,
        Entries = fold.Tally.Entries,
        Bytes = fold.Tally.Bytes,
        SetHash = fold.Tally.Hash,
    };
}
