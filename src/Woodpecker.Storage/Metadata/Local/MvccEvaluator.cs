namespace Woodpecker.Storage.Metadata.Local;

/// <summary>
/// Decides transactions: from a state to an outcome, a state afterwards and the versions written. Pure.
/// </summary>
/// <param name="leaseExists">Whether a lease may be attached to.</param>
/// <param name="quota">Memory above which puts are refused, in bytes.</param>
internal sealed class MvccEvaluator(Func<long, bool> leaseExists, long quota)
{
    /// <summary>Decides one transaction. Everything is checked before anything is applied.</summary>
    /// <param name="before">The state it meets.</param>
    /// <param name="transaction">The transaction.</param>
    /// <param name="written">Versions it wrote, in the order of its steps; empty if it changed nothing.</param>
    /// <param name="after">The state afterwards.</param>
    /// <exception cref="MvccException">It is refused as a whole.</exception>
    public MvccOutcome Evaluate(
        MvccSnapshot before, MvccTransaction transaction, out IReadOnlyList<KeyVersion> written, out MvccSnapshot after)
    {
        var succeeded = AllHold(before, transaction.Compares);
        var steps = succeeded ? transaction.WhenTrue : transaction.WhenFalse;
        foreach (var step in steps)
            Check(before, step);

        var versions = new List<KeyVersion>();
        var outcomes = new List<MvccStepOutcome>(steps.Count);
        var revision = before.Revision + 1;
        after = before;
        foreach (var step in steps)
        {
            outcomes.Add(Apply(after, step, revision, versions));
            after = outcomes[^1].State;
        }

        written = versions;
        return new MvccOutcome(succeeded, after.Revision, outcomes);
    }

    private static bool AllHold(MvccSnapshot state, IReadOnlyList<MvccCompare> compares)
    {
        foreach (var compare in compares)
        {
            if (!compare.Holds(state))
                return false;
        }

        return true;
    }

    private void Check(MvccSnapshot state, MvccOperation step)
    {
        switch (step)
        {
            case MvccPut put:
                if (state.Size > quota)
                    throw new MvccException(MvccError.NoSpace);
                if ((put.KeepsValue || put.KeepsLease) && state.Find(put.Key) is null)
                    throw new MvccException(MvccError.KeyNotFound);
                if (put.LeaseId != 0 && !leaseExists(put.LeaseId))
                    throw new MvccException(MvccError.LeaseNotFound);
                break;
            case MvccRead read when read.Revision > state.Revision:
                throw new MvccException(MvccError.FutureRevision);
            case MvccRead read when read.Revision > 0 && read.Revision < state.CompactedRevision:
                throw new MvccException(MvccError.Compacted);
        }
    }

    private static MvccStepOutcome Apply(
        MvccSnapshot state, MvccOperation step, long revision, List<KeyVersion> versions)
    {
        switch (step)
        {
            case MvccPut put:
                var present = state.Find(put.Key);
                var value = put.KeepsValue ? present!.Value : put.Value;
                var lease = put.KeepsLease ? present!.LeaseId : put.LeaseId;
                state = state.Put(revision, put.Key, value, lease, out var version);
                versions.Add(version);
                return new MvccStepOutcome(state, present is null ? [] : [present]);
            case MvccDelete delete:
                var gone = state.Present(delete.Range).ToList();
                foreach (var key in gone)
                {
                    state = state.Delete(revision, key, out var deleted);
                    versions.Add(deleted);
                }

                return new MvccStepOutcome(state, gone);
            case MvccRead { Revision: > 0 } read:
                return new MvccStepOutcome(state, [.. state.VisibleAt(read.Range, read.Revision)]);
            default:
                return new MvccStepOutcome(state, []);
        }
    }
}
