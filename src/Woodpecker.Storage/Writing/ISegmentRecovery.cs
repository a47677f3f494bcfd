using Woodpecker.Storage.Metadata.Transactions;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Writing;

namespace Woodpecker.Storage.Writing;

/// <summary>A segment whose end is found and safe; not yet sealed in metadata.</summary>
/// <param name="End">The end to write.</param>
/// <param name="Origin">How it was found.</param>
/// <param name="State">
/// Producers and token at the end; null if the segment never got a header: then nothing changed since the one before.
/// </param>
public sealed record RecoveryResult(SegmentEnd End, SealOrigin Origin, AppendFold? State);

/// <summary>Recovers and re-reads segments of one mode for a new reign.</summary>
/// <remarks>Threads: any. Errors: <see cref="WoodpeckerException"/>; Unavailable may be tried again.</remarks>
public interface ISegmentRecovery
{
    /// <summary>Fences the segment and finds its end (T3 to T6, B6).</summary>
    ValueTask<RecoveryResult> RecoverAsync(
        SegmentKey key, SegmentValue segment, LogEpoch epoch, CancellationToken cancellationToken);

    /// <summary>Tells members that the segment is sealed (T8); best effort, never throws for their silence.</summary>
    ValueTask AnnounceSealAsync(
        SegmentKey key, SegmentValue segment, LogEpoch epoch, SegmentEnd end, CancellationToken cancellationToken);

    /// <summary>Producers and token at the end of a sealed segment; null if it never got a header.</summary>
    ValueTask<AppendFold?> LoadStateAsync(
        SegmentKey key, SegmentValue segment, LogEpoch epoch, CancellationToken cancellationToken);
}
