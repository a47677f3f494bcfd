using Woodpecker.Rollback;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Transactions;

/// <summary>
/// What a process knows of the cluster's safe mode (section 13). Every transaction but those on live keys, nodes, pins and the cluster
/// itself compares the cluster key, so none lands once safe mode is written there, whoever sends it and however late it
/// arrives; what this process itself noticed counts at once.
/// </summary>
/// <remarks>Threads: any.</remarks>
public sealed class ClusterGuard
{
    /// <summary>Reason of refusals.</summary>
    public const string Reason = "SafeMode";

    private static readonly string[] _freePrefixes =
        [MetadataKeys.LivePrefix, MetadataKeys.NodePrefix, MetadataKeys.ReadersPrefix, MetadataKeys.AuditPrefix];

    private const string Advice = "Reads go on; 'wp cluster status' tells more, and 'wp cluster accept-restore' ends it.";

    private readonly Lock _gate = new();
    private Versioned<ClusterValue>? _cluster;
    private Suspicion? _suspicion;
    private long _remembered;
    private bool _isRead;
    private volatile string? _problem;

    /// <summary>The highest revision this process remembers.</summary>
    public RevisionMemory Revisions { get; } = new();

    /// <summary>
    /// The highest revision this process remembered when it heard of safe mode; what it sees later says nothing of what was
    /// lost.
    /// </summary>
    public long Remembered => Volatile.Read(ref _remembered);

    /// <summary>The cluster this process belongs to, once it knows: by its store, its settings, or the cluster key.</summary>
    public Guid? ClusterId { get; set; }

    /// <summary>Raised, on any thread, when safe mode began or ended as far as this process knows.</summary>
    public event Action? Changed;

    /// <summary>The cluster key as last read; null if it was not read yet.</summary>
    public Versioned<ClusterValue>? Cluster
    {
        get
        {
            lock (_gate)
                return _cluster;
        }
    }

    /// <summary>mod_revision of the cluster key as last read, which transactions compare; 0: it was absent, or was not read yet.</summary>
    public long ClusterRevision => Cluster?.ModRevision ?? 0;

    /// <summary>Whether the cluster key was read, if only to find that nobody founded the cluster yet.</summary>
    internal bool IsRead
    {
        get
        {
            lock (_gate)
                return _isRead;
        }
    }

    /// <summary>What this process noticed and nobody has written down yet; null if nothing.</summary>
    public Suspicion? Unrecorded
    {
        get
        {
            lock (_gate)
                return _suspicion is { IsRecorded: false } found ? found : null;
        }
    }

    /// <summary>Why the cluster is in safe mode; null if it is not. Every append asks: no lock is taken.</summary>
    public string? Problem => _problem;

    /// <summary>Whether nothing but reads is allowed.</summary>
    public bool IsSafeMode => Problem is not null;

    /// <summary>Takes the cluster key as it was read. A stale read costs a refused transaction.</summary>
    public void Learn(Versioned<ClusterValue> cluster)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        var isForeign = ClusterId is { } own && own != cluster.Value.ClusterId;
        Change(() =>
        {
            _isRead = true;
            if (isForeign)
            {
                // Its keys say nothing of this cluster, so no change of them ends what is noticed here.
                Notice($"the metadata belong to another cluster, {cluster.Value.ClusterId:N}", 0);
                return;
            }

            var isSafeMode = cluster.Value.SafeMode == true;
            if (_problem is null && isSafeMode)
                Volatile.Write(ref _remembered, Revisions.Highest);
            _cluster = cluster;
            ClusterId ??= cluster.Value.ClusterId;
            if (isSafeMode)
                _suspicion = _suspicion is { } noticed ? noticed with { IsRecorded = true } : null;
            else if (_suspicion is { IsRecorded: true })
                _suspicion = null; // an operator accepted the restore
        });
    }

    /// <summary>Takes it that the cluster key was not there when it was read; if it was known, that proves nothing: the read may be stale.</summary>
    internal void LearnAbsent()
    {
        lock (_gate)
            _isRead = true;
    }

    /// <summary>Something proves that metadata went back: from now on this process sends no transaction.</summary>
    /// <param name="proof">What, one sentence without a full stop.</param>
    /// <param name="revision">Revision of metadata when it was noticed; 0 if not known.</param>
    public void Suspect(string proof, long revision) => Change(() => Notice(proof, revision));

    // Under the lock.
    private void Notice(string proof, long revision)
    {
        if (_suspicion is not null || _cluster?.Value.SafeMode == true)
            return;
        Volatile.Write(ref _remembered, Revisions.Highest);
        _suspicion = new Suspicion(proof, revision, IsRecorded: false);
    }

    private void Change(Action change)
    {
        bool hasChanged;
        lock (_gate)
        {
            var before = _problem;
            change();
            _problem = _suspicion?.Proof
                ?? (_cluster?.Value.SafeMode == true ? _cluster.Value.SafeModeReason ?? "it was found rolled back" : null);
            hasChanged = before is null != _problem is null;
        }

        if (hasChanged)
            Changed?.Invoke();
    }

    /// <summary>Refuses while safe mode lasts.</summary>
    /// <exception cref="MetadataException">Kind SafeMode: nothing was done.</exception>
    public void ThrowIfSafeMode()
    {
        if (Problem is { } problem)
            throw new MetadataException(MetadataErrorKind.SafeMode, Explain(problem));
    }

    /// <summary>What an operator is told.</summary>
    public static string Explain(string problem) =>
        $"{What(problem)} Nothing was done. {Advice}";

    internal static bool IsFree(MetadataTransaction transaction)
    {
        foreach (var write in transaction.Writes)
        {
            if (write.Key is MetadataKeys.Cluster or MetadataKeys.RevisionMark)
                continue;
            if (!_freePrefixes.Any(prefix => write.Key.StartsWith(prefix, StringComparison.Ordinal)))
                return false;
        }

        return true;
    }

    // A deletion of what is absent is no change and gets no revision of its own; a put always does.
    internal bool Take(long seen, MetadataTransaction transaction, MetadataCommit commit)
    {
        if (Revisions.Take(seen, commit.Revision, commit.Succeeded && transaction.Writes.Any(static w => !w.IsDelete)))
            return true;
        Suspect(FormattableString.Invariant(
            $"a transaction was answered with revision {commit.Revision}, but revision {seen} was seen before"), commit.Revision);
        return false;
    }

    /// <summary>Whether a transaction was refused because the cluster key is not what it compared; learns what it is.</summary>
    internal bool HasChanged(long compared, IReadOnlyList<MetadataEntry> current)
    {
        var entry = current.FirstOrDefault(static e => e.Key == MetadataKeys.Cluster);
        if ((entry?.ModRevision ?? 0) == compared)
            return false;
        if (entry is null)
            Suspect("the cluster's own key is gone", 0);
        else
            Learn(Versioned<ClusterValue>.From(entry));
        return true;
    }

    internal MetadataException LandedInThePast() =>
        new(MetadataErrorKind.Unknown, $"{What(Problem ?? "its revisions went back")} It is not known whether this counts. {Advice}")
        {
            Source = Reason,
        };

    private static string What(string problem) => $"The cluster is in safe mode, because its metadata went back to an older state: {problem}.";

    internal static bool IsPast(MetadataException error) => error.Source == Reason;
}

/// <summary>What a process noticed by itself.</summary>
/// <param name="Proof">What proves that metadata went back.</param>
/// <param name="Revision">Revision of metadata when it was noticed; 0 if not known.</param>
/// <param name="IsRecorded">Whether the cluster key says so by now.</param>
public sealed record Suspicion(string Proof, long Revision, bool IsRecorded);
