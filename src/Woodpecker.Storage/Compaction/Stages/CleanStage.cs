using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Compaction.Stages;

/// <summary>
/// Removes what a merge wrote and did not publish, once metadata has decided for certain (C6, X7). Best effort: what is
/// left is collected as orphans of a dead token (C4).
/// </summary>
internal sealed class CleanStage(IObjectStore store)
{
    public async ValueTask RunAsync(
        CopiedCheckpoint copied, PublishedCheckpoint published, CancellationToken cancellationToken)
    {
        if (published.Merged is not null)
            return;
        await store.DeleteAsync(new ObjectKey(copied.Reference.Key), cancellationToken);
        foreach (var described in copied.Manifest.Objects)
            await store.DeleteAsync(new ObjectKey(described.Key), cancellationToken);
    }
}
