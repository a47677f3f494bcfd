using System.Text.Json.Serialization;

namespace Woodpecker.Protocol.Control;

/// <summary>An error by RFC 9457 with the properties of a <see cref="WoodpeckerException"/>.</summary>
public sealed record ProblemBody
{
    /// <summary>A URI reference that names the kind, <c>urn:woodpecker:error:…</c>.</summary>
    public string? Type { get; init; }

    /// <summary>The kind in words.</summary>
    public string? Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public int Status { get; init; }

    /// <summary>What happened, for people.</summary>
    public string? Detail { get; init; }

    /// <summary>Name of the <see cref="ErrorKind"/>.</summary>
    public string? Kind { get; init; }

    /// <summary>The exact reason, a stable word.</summary>
    public string? Reason { get; init; }

    /// <summary>The offset the reason speaks of.</summary>
    public ulong? Offset { get; init; }

    /// <summary>First offset of a declared loss; reading goes on at <see cref="Offset"/>.</summary>
    public ulong? LostFrom { get; init; }

    /// <summary>The sequence expected next.</summary>
    public ulong? ExpectedSequence { get; init; }

    /// <summary>The owner's app id, where known.</summary>
    public string? Owner { get; init; }

    /// <summary>When to try again, in milliseconds.</summary>
    public long? RetryAfterMilliseconds { get; init; }

    /// <summary>Whether nothing was done and the same request may succeed later.</summary>
    [JsonPropertyName("retryable")]
    public bool IsRetryable { get; init; }
}
