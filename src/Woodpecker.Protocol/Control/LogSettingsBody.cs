namespace Woodpecker.Protocol.Control;

/// <summary>Settings of a log. Absent ones take the defaults of the writer; an answer shows those in force.</summary>
public record LogSettingsBody
{
    /// <summary>Size at which a segment rolls, in bytes.</summary>
    public long? SegmentBytes { get; init; }

    /// <summary>
    /// Age at which a non-empty segment rolls, for example <c>10m</c> (see <see cref="DurationText"/>).
    /// </summary>
    public string? SegmentAge { get; init; }

    /// <summary>
    /// How long a MemoryBuffer slot collects entries after its first one, for example <c>100ms</c>; <c>0ms</c>: no
    /// wait.
    /// </summary>
    public string? Linger { get; init; }

    /// <summary>Retained bytes; older whole segments go. Absent: no bound.</summary>
    public long? RetentionBytes { get; init; }

    /// <summary>Retained age, for example <c>7d</c>. Absent: no bound.</summary>
    public string? RetentionAge { get; init; }

    /// <summary>Whether appends that name no fencing token are refused once one is set (P5).</summary>
    public bool? RequireToken { get; init; }

    /// <summary>
    /// What happens when stores that held acknowledged entries are provably lost: <c>Block</c> (default; an operator
    /// decides) or <c>Declare</c> (the loss is declared and the log goes on).
    /// </summary>
    public string? OnProvenLoss { get; init; }
}
