namespace Woodpecker.Protocol.Control;

/// <summary>Media types of request and answer bodies.</summary>
public static class MediaTypes
{
    /// <summary>One JSON document.</summary>
    public const string Json = "application/json";

    /// <summary>One JSON document per line.</summary>
    public const string NdJson = "application/x-ndjson";

    /// <summary>Raw bytes of one entry.</summary>
    public const string Octets = "application/octet-stream";

    /// <summary>Server-sent events.</summary>
    public const string Events = "text/event-stream";

    /// <summary>An error, by RFC 9457.</summary>
    public const string Problem = "application/problem+json";
}
