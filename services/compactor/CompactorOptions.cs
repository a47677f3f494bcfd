using System.ComponentModel.DataAnnotations;
using Woodpecker.Compaction;
using Woodpecker.Format.Objects;
using Woodpecker.Storage.Maintenance;
using Woodpecker.Storage.Upload;

namespace Woodpecker.Compactor;

/// <summary>Options of the compactor, section <c>Woodpecker</c>; checked at start.</summary>
internal sealed class CompactorOptions
{
    public const string Section = "Woodpecker";

    /// <summary>Stable name of the process: its Dapr app id, which jobs name as their holder.</summary>
    [Required(ErrorMessage = "Woodpecker:NodeId is missing: the stable name of this process, equal to its Dapr app id.")]
    [RegularExpression(
        "^[a-z0-9][a-z0-9-]{0,62}$",
        ErrorMessage = "Woodpecker:NodeId has 1-63 lower-case letters, digits and hyphens, a letter or digit first.")]
    public string NodeId { get; set; } = "compactor";

    /// <summary>Section <c>Woodpecker:Compactor</c>.</summary>
    [Required]
    public CompactorTuning Compactor { get; set; } = new();
}

/// <summary>When and how background work runs. Every time here is a courtesy to readers; none carries safety.</summary>
internal sealed class CompactorTuning
{
    /// <summary>Pause between two passes over all logs, in milliseconds.</summary>
    [Range(100, 3_600_000, ErrorMessage = "Woodpecker:Compactor:PassMilliseconds is 100 to 3600000.")]
    public int PassMilliseconds { get; set; } = 10_000;

    /// <summary>Pause between two searches for orphaned objects, in seconds.</summary>
    [Range(1, 604_800, ErrorMessage = "Woodpecker:Compactor:OrphanSeconds is 1 to 604800.")]
    public int OrphanSeconds { get; set; } = 3_600;

    /// <summary>Stored bytes that a merged segment key aims for.</summary>
    [Range(1024, 1L << 40, ErrorMessage = "Woodpecker:Compactor:TargetBytes is 1024 to 2^40.")]
    public long TargetBytes { get; set; } = 512L * 1024 * 1024;

    /// <summary>Fewest segment keys worth a merge.</summary>
    [Range(2, 60, ErrorMessage = "Woodpecker:Compactor:MinKeys is 2 to 60.")]
    public int MinKeys { get; set; } = 4;

    /// <summary>Stored bytes of one object, at most; also the memory of one job.</summary>
    [Range(64 * 1024, 1024 * 1024 * 1024, ErrorMessage = "Woodpecker:Compactor:MaxObjectBytes is 65536 to 1073741824.")]
    public int MaxObjectBytes { get; set; } = 32 * 1024 * 1024;

    /// <summary>Codec of blocks.</summary>
    [EnumDataType(typeof(BlockCodecId), ErrorMessage = "Woodpecker:Compactor:Codec is None, Lz4 or Zstd.")]
    public BlockCodecId Codec { get; set; } = BlockCodecId.Zstd;

    /// <summary>Time that replaced objects stay readable for readers with older metadata, in seconds.</summary>
    [Range(0, 604_800, ErrorMessage = "Woodpecker:Compactor:GcGraceSeconds is 0 to 604800.")]
    public int GcGraceSeconds { get; set; } = 600;

    /// <summary>Age below which an unreferenced object is left alone, in seconds.</summary>
    [Range(0, 2_592_000, ErrorMessage = "Woodpecker:Compactor:OrphanGraceSeconds is 0 to 2592000.")]
    public int OrphanGraceSeconds { get; set; } = 86_400;

    /// <summary>Time after which the remains of a deleted log are collected, in seconds.</summary>
    [Range(0, 604_800, ErrorMessage = "Woodpecker:Compactor:DeletedLogGraceSeconds is 0 to 604800.")]
    public int DeletedLogGraceSeconds { get; set; } = 600;

    /// <summary>Pause between two readings of everything that is published, in minutes (C7).</summary>
    [Range(1, 525_600, ErrorMessage = "Woodpecker:Compactor:ScrubMinutes is 1 to 525600.")]
    public int ScrubMinutes { get; set; } = 1_440;

    /// <summary>Rate of that reading, in bytes per second.</summary>
    [Range(64 * 1024, 1L << 40, ErrorMessage = "Woodpecker:Compactor:ScrubBytesPerSecond is 65536 to 2^40.")]
    public long ScrubBytesPerSecond { get; set; } = 8L * 1024 * 1024;

    public CompactionPolicy ToPolicy() => new() { TargetBytes = TargetBytes, MinKeys = MinKeys };

    public SegmentObjectOptions ToObjectOptions() => new() { Codec = Codec, MaxObjectSize = MaxObjectBytes };

    public MaintenanceOptions ToMaintenance() => new()
    {
        GcGrace = TimeSpan.FromSeconds(GcGraceSeconds),
        OrphanGrace = TimeSpan.FromSeconds(OrphanGraceSeconds),
        DeletedLogGrace = TimeSpan.FromSeconds(DeletedLogGraceSeconds),
    };
}
