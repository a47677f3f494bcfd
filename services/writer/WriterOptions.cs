using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Woodpecker.Writer;

/// <summary>Options of a writer, section <c>Woodpecker</c>; checked at start.</summary>
internal sealed class WriterOptions
{
    public const string Section = "Woodpecker";

    /// <summary>Stable name of the process: its Dapr app id, under which it owns logs.</summary>
    [Required(ErrorMessage = "Woodpecker:NodeId is missing: the stable name of this writer, equal to its Dapr app id.")]
    [RegularExpression(
        "^[a-z0-9][a-z0-9-]{0,62}$",
        ErrorMessage = "Woodpecker:NodeId has 1-63 lower-case letters, digits and hyphens, a letter or digit first.")]
    public string NodeId { get; set; } = "";

    /// <summary>Identity of the cluster as 32 hex digits; absent: what metadata says.</summary>
    public Guid? ClusterId { get; set; }

    /// <summary>Section <c>Woodpecker:Writer</c>.</summary>
    [ValidateObjectMembers]
    public WriterTuning Writer { get; set; } = new();

    /// <summary>How appends are batched and segments end.</summary>
    internal sealed class WriterTuning
    {
        /// <summary>Time without keep-alive after which others may take the logs over, in seconds.</summary>
        [Range(2, 60)]
        public int LiveSeconds { get; set; } = 5;

        /// <summary>Time between two looks for logs whose owner is gone (T9), in milliseconds.</summary>
        [Range(100, 20_000)]
        public int OrphanPeriodMilliseconds { get; set; } = 15_000;

        /// <summary>Bytes of appends that wait or are in flight in one log, at most.</summary>
        [Range(1024 * 1024, 1024L * 1024 * 1024)]
        public long MaxQueuedBytes { get; set; } = 64L * 1024 * 1024;

        /// <summary>Bytes of appends that wait or are in flight in all logs, at most.</summary>
        [Range(1024 * 1024, 64L * 1024 * 1024 * 1024)]
        public long MaxProcessBytes { get; set; } = 256L * 1024 * 1024;

        /// <summary>Frames of this size go out without waiting for earlier ones, in bytes.</summary>
        [Range(4 * 1024, 3 * 1024 * 1024)]
        public int TargetFrameBytes { get; set; } = 256 * 1024;

        /// <summary>Frame bytes of one log sent and not confirmed, at most.</summary>
        [Range(1024 * 1024, 256L * 1024 * 1024)]
        public long MaxUnconfirmedBytes { get; set; } = 8L * 1024 * 1024;

        /// <summary>Small frames of one log in flight before further appends are gathered.</summary>
        [Range(1, 256)]
        public int PipelineDepth { get; set; } = 4;

        /// <summary>How long an append may take, in milliseconds.</summary>
        [Range(100, 600_000)]
        public int AppendTimeoutMilliseconds { get; set; } = 30_000;

        /// <summary>How long appends wait for missing replicas before they are refused, in milliseconds.</summary>
        [Range(0, 600_000)]
        public int QuorumGraceMilliseconds { get; set; } = 3_000;

        /// <summary>
        /// Time without enough members after which a writer that does reach them is asked to take the log (O6), in milliseconds.
        /// </summary>
        [Range(100, 600_000)]
        public int CutOffMilliseconds { get; set; } = 10_000;

        /// <summary>Time after which a takeover that finds too few members reports that it is blocked, in milliseconds.</summary>
        [Range(1_000, 600_000)]
        public int TakeoverMilliseconds { get; set; } = 20_000;

        /// <summary>Youngest segment that is rolled to get better members, in milliseconds.</summary>
        [Range(100, 600_000)]
        public int EarlyRollMilliseconds { get; set; } = 10_000;

        /// <summary>Time without appends after which the open segment is sealed, in milliseconds.</summary>
        [Range(100, 86_400_000)]
        public int IdleSealMilliseconds { get; set; } = 60_000;

        /// <summary>Slots of a MemoryBuffer log put at the same time.</summary>
        [Range(1, 64)]
        public int SlotsInFlight { get; set; } = 8;
    }
}
