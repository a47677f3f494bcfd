using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Woodpecker.Replica;

/// <summary>Options of a replica, section <c>Woodpecker</c>; checked at start.</summary>
internal sealed class ReplicaOptions
{
    public const string Section = "Woodpecker";

    /// <summary>Stable name of the node: its Dapr app id. Ensembles name it.</summary>
    [Required(ErrorMessage = "Woodpecker:NodeId is missing: the stable name of this replica, equal to its Dapr app id.")]
    [RegularExpression(
        "^[a-z0-9][a-z0-9-]{0,62}$",
        ErrorMessage = "Woodpecker:NodeId has 1-63 lower-case letters, digits and hyphens, a letter or digit first.")]
    public string NodeId { get; set; } = "";

    /// <summary>Identity of the cluster as 32 hex digits; absent: what metadata says.</summary>
    public Guid? ClusterId { get; set; }

    /// <summary>Failure domain; ensembles prefer different ones.</summary>
    [MaxLength(63)]
    public string Zone { get; set; } = "";

    /// <summary>The journal.</summary>
    [ValidateObjectMembers]
    public JournalSettings Journal { get; set; } = new();

    /// <summary>Background care for sealed segments.</summary>
    [ValidateObjectMembers]
    public CareSettings Care { get; set; } = new();

    /// <summary>Section <c>Woodpecker:Journal</c>.</summary>
    internal sealed class JournalSettings
    {
        /// <summary>Directory of the journal; required for kind Disk.</summary>
        public string? Directory { get; set; }

        /// <summary><c>Disk</c> (synced before every answer) or <c>Memory</c> (zero-disk, docs/PROTOCOL.md section 21).</summary>
        [RegularExpression("(?i)^(disk|memory)$", ErrorMessage = "Woodpecker:Journal:Kind is Disk or Memory.")]
        public string Kind { get; set; } = "Disk";

        /// <summary>Size of one journal file, in bytes: a multiple of 4,096 that holds four of the largest groups (about 17 MB).</summary>
        [Range(1, 1024 * 1024 * 1024)]
        public int FileBytes { get; set; } = 64 * 1024 * 1024;

        /// <summary>Bytes the journal may take in all; beyond 95 % only fences, seals and drops are taken.</summary>
        [Range(1, long.MaxValue)]
        public long CapacityBytes { get; set; } = 16L * 1024 * 1024 * 1024;

        /// <summary>Share of the capacity from which on everything is uploaded without waiting for turns (U8).</summary>
        [Range(0.05, 1.0)]
        public double UploadHarderAt { get; set; } = 0.70;

        /// <summary>Share of the capacity from which on producers are slowed down (U8).</summary>
        [Range(0.05, 1.0)]
        public double SlowDataAt { get; set; } = 0.85;

        /// <summary>Share of the capacity from which on data is refused; fences, seals and drops go on (U8, R9).</summary>
        [Range(0.05, 1.0)]
        public double RefuseDataAt { get; set; } = 0.95;

        /// <summary>How long a planned stop waits until what is held in memory is uploaded, in seconds (kind Memory, Z3).</summary>
        [Range(0, 3_600)]
        public int DrainSeconds { get; set; } = 20;

        public bool IsMemory => Kind.Equals("memory", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Section <c>Woodpecker:Care</c>.</summary>
    internal sealed class CareSettings
    {
        /// <summary>Longest time between two looks at metadata, in milliseconds; changes there wake the loop earlier.</summary>
        [Range(100, 600_000)]
        public int PeriodMilliseconds { get; set; } = 5_000;

        /// <summary>How long member i waits, times i, before it uploads a sealed segment, in milliseconds (U2).</summary>
        [Range(0, 600_000)]
        public int UploadStaggerMilliseconds { get; set; } = 5_000;

        /// <summary>Segments uploaded at once.</summary>
        [Range(1, 16)]
        public int MaxUploads { get; set; } = 1;

        /// <summary>Time between two readings of everything that is held, in minutes.</summary>
        [Range(1, 100_000)]
        public int ScrubPeriodMinutes { get; set; } = 60;

        /// <summary>Rate of that reading, in bytes per second.</summary>
        [Range(64 * 1024, 1024 * 1024 * 1024)]
        public int ScrubBytesPerSecond { get; set; } = 8 * 1024 * 1024;
    }
}
