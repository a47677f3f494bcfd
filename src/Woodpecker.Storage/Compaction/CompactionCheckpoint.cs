using Woodpecker.Format.Objects;
using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Compaction;

/// <summary>What a merge is about: fixed when the job was taken.</summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="Job">The job on the first key.</param>
/// <param name="Keys">The adjacent keys, oldest first, at the revisions that the publish compares.</param>
internal sealed record MergeTask(Guid ClusterId, Job Job, IReadOnlyList<SegmentKeyEntry> Keys);

/// <summary>After the copy stage: new objects and manifest are put; nothing refers to them.</summary>
/// <param name="Manifest">The new manifest.</param>
/// <param name="Reference">The manifest as metadata will name it.</param>
/// <param name="Sources">The old manifests, whose objects will be replaced.</param>
internal sealed record CopiedCheckpoint(
    SegmentManifest Manifest, ManifestReference Reference, IReadOnlyList<SegmentManifest> Sources);

/// <summary>After the verify stage: the new objects were read back and hold the same entries.</summary>
/// <param name="Copied">What was verified.</param>
internal sealed record VerifiedCheckpoint(CopiedCheckpoint Copied);

/// <summary>After the publish stage: metadata decided.</summary>
/// <param name="Merged">The merged key; null if the keys changed meanwhile and nothing was published.</param>
internal sealed record PublishedCheckpoint(Versioned<SegmentValue>? Merged);
