using Woodpecker.Storage.Writing;

namespace Woodpecker.Client.Embedded;

/// <summary>Batches of the public surface as the engine takes them.</summary>
internal static class Batches
{
    /// <exception cref="WoodpeckerException">Invalid: over a limit.</exception>
    public static AppendBatch Create(NewEntry[] entries, AppendOptions? conditions, ProducerStamp? stamp) =>
        AppendBatch.Create(
            entries,
            AppendLimits.Default,
            stamp,
            conditions?.ExpectedOffset,
            conditions?.FencingToken,
            conditions?.SetFencingToken);
}
