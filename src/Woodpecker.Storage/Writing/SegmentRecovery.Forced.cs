using Woodpecker.Recovery;

namespace Woodpecker.Storage.Writing;

// Declared loss (11.6): looks at what is left and makes the best of it.
public sealed partial class SegmentRecovery
{
    /// <summary>Fences whoever answers within the patience, and tells what is left.</summary>
    /// <exception cref="WoodpeckerException">
    /// Fenced: a higher epoch is at work; Corrupt (Inconsistent): two copies contradict each other at the end.
    /// </exception>
    public async ValueTask<SegmentLeft> LookAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience, _time);
        var isDecidable = false;
        try
        {
            await FenceUntilDecidedAsync(limit.Token);
            isDecidable = true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Too few answered: that is why an operator is asked.
        }
        catch (WoodpeckerException e) when (e.Kind == ErrorKind.Corrupt)
        {
            // T5: confirmed entries are missing from every copy that answered.
        }

        lock (_gate)
        {
            if (!_core.TryForce(out var end, out var highest))
                throw Inconsistent();
            var members = new MemberLeft[_ensemble.Members.Count];
            for (var i = 0; i < members.Length; i++)
            {
                var reply = _core.ReplyOf(i);
                members[i] = new MemberLeft(_ensemble.Members[i], reply, reply is null ? _failures[i] : "");
            }

            return new SegmentLeft(isDecidable, end, highest, members);
        }
    }

    /// <summary>Copies what is left to every member that answered and can take it; members that cannot are left out.</summary>
    public async ValueTask<RecoveredSegment> SpreadAsync(SegmentLeft left, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(left);
        IReadOnlyList<RecoveryCopy> copies;
        lock (_gate)
            _core.TryPlanCopies(left.End, out copies);
        foreach (var copy in copies)
        {
            if (copy.Source < 0)
                continue;
            try
            {
                await CopyAsync(left.End, copy, cancellationToken);
            }
            catch (WoodpeckerException e) when (e.Kind is ErrorKind.Unavailable or ErrorKind.Corrupt)
            {
                SetFailure(copy.Target, e.Message);
            }
        }

        return Conclude(left.End);
    }
}
