namespace Woodpecker.Storage.Objects;

/// <summary>A store that can tell about settings that would break the engine, for example an expiry rule (U9).</summary>
public interface IObjectStoreHazards
{
    /// <summary>Looks at the store's settings.</summary>
    /// <returns>
    /// <c>Refusals</c>: sentences with advice, each a reason not to start. <c>Notes</c>: what could not be looked at.
    /// </returns>
    ValueTask<(IReadOnlyList<string> Refusals, IReadOnlyList<string> Notes)> FindHazardsAsync(
        CancellationToken cancellationToken);
}
