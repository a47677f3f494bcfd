namespace Woodpecker.Protocol.Control;

/// <summary>Body of <c>PUT /logs/{name}</c>. Repeating it with equal settings answers 200, with others 409.</summary>
public sealed record CreateLogBody : LogSettingsBody
{
    /// <summary>Name of a <see cref="LogMode"/>; absent means <see cref="LogMode.QuorumBuffer"/>.</summary>
    public string? Mode { get; init; }
}
