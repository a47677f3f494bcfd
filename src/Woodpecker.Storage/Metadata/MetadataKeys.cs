using System.Globalization;

namespace Woodpecker.Storage.Metadata;

/// <summary>
/// Every key of the metadata store, by its name in docs/PROTOCOL.md, "Metadata keys". Ids have a fixed width, so that
/// ordinal order is numeric order, and every prefix ends in '/', so that log 1 never matches log 10.
/// </summary>
public static class MetadataKeys
{
    /// <summary>Prefix of all keys of this version.</summary>
    public const string Root = "wp/v1/";

    /// <summary>Identity and features of the cluster.</summary>
    public const string Cluster = Root + "cluster";

    /// <summary>Counter of log ids.</summary>
    public const string LogIdCounter = Root + "ids/log";

    /// <summary>Put again and again to raise the revision above all that were seen before a restore (section 13).</summary>
    public const string RevisionMark = Root + "revisionmark";

    /// <summary>Prefix of replica nodes.</summary>
    public const string NodePrefix = Root + "nodes/";

    /// <summary>Prefix of live processes.</summary>
    public const string LivePrefix = Root + "live/";

    /// <summary>Prefix of log names.</summary>
    public const string NamePrefix = Root + "names/";

    /// <summary>Prefix of logs by id.</summary>
    public const string LogsPrefix = Root + "logs/";

    /// <summary>Prefix of all gc records.</summary>
    public const string GcRootPrefix = Root + "gc/";

    /// <summary>Prefix of tombstones.</summary>
    public const string TombstonePrefix = Root + "tomb/";

    /// <summary>Prefix of the records of operators' decisions.</summary>
    public const string AuditPrefix = Root + "audit/";

    /// <summary>A replica node; permanent.</summary>
    public static string Node(string nodeId) => NodePrefix + nodeId;

    /// <summary>A live process; leased.</summary>
    public static string Live(string appId) => LivePrefix + appId;

    /// <summary>A log's name. Legal names hold no character that needs escaping.</summary>
    public static string Name(string name) => NamePrefix + name;

    /// <summary>Prefix of everything of a log.</summary>
    public static string Log(LogId log) => LogsPrefix + log.ToKey() + "/";

    /// <summary>A log's epoch key: the fencing token in the metadata store.</summary>
    public static string Epoch(LogId log) => Log(log) + "epoch";

    /// <summary>A log's mode, options and state.</summary>
    public static string Meta(LogId log) => Log(log) + "meta";

    /// <summary>A log's truncation point.</summary>
    public static string Trunc(LogId log) => Log(log) + "trunc";

    /// <summary>Commit point of a log's slots under <c>fence=etcd-verify</c> (B11).</summary>
    public static string SlotMark(LogId log) => Log(log) + "mb";

    /// <summary>Prefix of a log's segments.</summary>
    public static string SegmentPrefix(LogId log) => Log(log) + "seg/";

    /// <summary>A segment.</summary>
    public static string Segment(LogId log, SegmentId segment) => SegmentPrefix(log) + segment.ToKey();

    /// <summary>Prefix of a log's jobs.</summary>
    public static string JobPrefix(LogId log) => Log(log) + "job/";

    /// <summary>The job on a segment; leased; its create_revision is the JobToken.</summary>
    public static string Job(LogId log, SegmentId segment) => JobPrefix(log) + segment.ToKey();

    /// <summary>Prefix of all reader pins.</summary>
    public const string ReadersPrefix = Root + "readers/";

    /// <summary>Prefix of a log's reader pins.</summary>
    public static string ReaderPrefix(LogId log) => ReadersPrefix + log.ToKey() + "/";

    /// <summary>A reader's pin; leased.</summary>
    public static string Reader(LogId log, string readerId) => ReaderPrefix(log) + readerId;

    /// <summary>Prefix of a log's gc records.</summary>
    public static string GcPrefix(LogId log) => GcRootPrefix + log.ToKey() + "/";

    /// <summary>A gc record: objects to delete later.</summary>
    public static string Gc(LogId log, string gcId) => GcPrefix(log) + gcId;

    /// <summary>A mark that orphan collection puts before it reads, so that its reads are ordered by consensus (X1, C4).</summary>
    public static string GcMark(LogId log) => Root + "gcmark/" + log.ToKey();

    /// <summary>Prefix of a log's records of damaged objects.</summary>
    public static string DamagePrefix(LogId log) => Root + "damage/" + log.ToKey() + "/";

    /// <summary>Damage met in the published objects of a segment key (C7).</summary>
    public static string Damage(LogId log, SegmentId segment) => DamagePrefix(log) + segment.ToKey();

    /// <summary>A mark that a tail check or a reader puts, so that what it compares or reads is ordered by consensus (X1, V7, C3).</summary>
    public static string TailMark(LogId log) => Root + "tailmark/" + log.ToKey();

    /// <summary>The tombstone of a deleted log; permanent.</summary>
    public static string Tombstone(LogId log) => TombstonePrefix + log.ToKey();

    /// <summary>The record of an operator's decision; permanent. Keys sort by time.</summary>
    public static string Audit(long atMicroseconds, Guid nonce) => string.Create(
        CultureInfo.InvariantCulture, $"{AuditPrefix}{atMicroseconds:D20}-{nonce:N}");

    /// <summary>Reads the log id out of any key below <see cref="LogsPrefix"/> or <see cref="GcRootPrefix"/>.</summary>
    public static bool TryParseLog(string key, string prefix, out LogId log)
    {
        log = default;
        if (!key.StartsWith(prefix, StringComparison.Ordinal) || key.Length < prefix.Length + 16)
            return false;
        if (!ulong.TryParse(
            key.AsSpan(prefix.Length, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id))
        {
            return false;
        }

        log = new LogId(id);
        return true;
    }

    /// <summary>Reads the segment id out of a segment or job key: its last 20 digits.</summary>
    public static bool TryParseSegment(string key, out SegmentId segment)
    {
        segment = default;
        var slash = key.LastIndexOf('/');
        if (slash < 0 || key.Length - slash - 1 != 20)
            return false;
        if (!ulong.TryParse(key.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            return false;
        segment = new SegmentId(id);
        return true;
    }
}
