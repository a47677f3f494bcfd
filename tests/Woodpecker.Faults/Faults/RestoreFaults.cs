using Woodpecker.Faults.Running;
using Woodpecker.Protocol.Control;

namespace Woodpecker.Faults.Faults;

/// <summary>
/// etcd is put back to an old snapshot: safe mode comes by itself, and an operator ends it (section 13). The loss of a
/// majority of three etcd members is not a row of its own: the system here runs one member, and to its clients a cluster
/// without a leader is "etcd stopped" and "etcd away", which are.
/// </summary>
internal static class RestoreFaults
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(90);

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("etcd restored from an old snapshot", RestoreAsync)
        {
            WhyNot = static system => system.Etcd.IsEmbedded ? "no etcd on PATH" : null,
            Phases = [Phase.Steady, Phase.Roll, Phase.Takeover, Phase.Upload, Phase.Merge, Phase.CatchUp],
            WhyOnlyThese = "what is truncated and collected after the snapshot cannot be told from a loss and would need another consent; idle notices by the same look",
        },
    ];

    private static async Task RestoreAsync(FaultContext c)
    {
        var snapshot = await c.System.Etcd.SaveSnapshotAsync();
        await Task.Delay(c.Duration);
        await c.System.Etcd.RestoreSnapshotAsync(snapshot);
        var start = TimeProvider.System.GetTimestamp();
        await using var client = c.System.OpenClient();
        using var limit = new CancellationTokenSource(_limit);
        await UntilAsync(async () => (await client.DescribeClusterAsync(limit.Token)).State == "SafeMode", limit.Token);
        c.Notes.Add($"noticed after {TimeProvider.System.GetElapsedTime(start).TotalSeconds:0.0} s");
        var decision = new AcceptRestoreBody { Accept = true, By = "the matrix", Reason = "a cell" };
        var hasAsked = false;
        await UntilAsync(async () =>
        {
            // An answer that was lost is no reason to ask for what is done.
            if (hasAsked && (await client.DescribeClusterAsync(limit.Token)).State == "Normal")
                return true;
            hasAsked = true;
            var done = await client.AcceptRestoreAsync(decision, limit.Token);
            c.Notes.Add($"{done.Logs.Sum(static log => log.Lacks.Count)} keys put back");
            return true;
        }, limit.Token);
    }

    // A writer, or its way to etcd, may be what the phase has met; a contradiction or a loss is none of that.
    private static async Task UntilAsync(Func<Task<bool>> action, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                if (await action())
                    return;
            }
            catch (WoodpeckerException e) when (e.Kind is ErrorKind.Unavailable or ErrorKind.Indeterminate || e.Reason is "StoresMissing" or "RestoreContended")
            {
                // Asked again.
            }

            await Task.Delay(100, cancellationToken);
        }
    }
}
