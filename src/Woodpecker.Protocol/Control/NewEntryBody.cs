namespace Woodpecker.Protocol.Control;

/// <summary>
/// An entry to append, in a JSON body or on one NDJSON line: either <see cref="Payload"/> or <see cref="Text"/>.
/// </summary>
public sealed record NewEntryBody
{
    /// <summary>The bytes, base64.</summary>
    public byte[]? Payload { get; init; }

    /// <summary>The bytes as UTF-8 text.</summary>
    public string? Text { get; init; }

    /// <summary>What to attach.</summary>
    public IReadOnlyList<HeaderBody>? Headers { get; init; }
}
