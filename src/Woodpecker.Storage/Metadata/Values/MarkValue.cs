namespace Woodpecker.Storage.Metadata.Values;

/// <summary>Nothing but its nonce: put so that a transaction passes consensus (X1).</summary>
public sealed record MarkValue : MetadataValue;
