using Woodpecker.Protocol.Control;

namespace Woodpecker.Client;

/// <summary>Answer to the creation of a log.</summary>
/// <param name="Description">The log.</param>
/// <param name="IsNew">Whether this call created it; otherwise it was there with the same settings.</param>
public sealed record LogCreation(LogDescription Description, bool IsNew);
