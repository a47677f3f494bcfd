using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Mapping;

namespace Woodpecker.Client.Remote;

/// <summary>What a reader does about a declared loss (11.6).</summary>
internal static class DeclaredLosses
{
    /// <summary>The range to skip; null if the failure is another one, or the caller wants to see it.</summary>
    public static LostOffsets? ToSkip(WoodpeckerException failure, ReadOptions options, Offset next) =>
        options.SkipsDeclaredLoss && failure.Reason == ReadMapping.DeclaredLoss && failure.Offset is { } goOn && goOn > next
            ? new LostOffsets((failure.LostFrom ?? next).Value, goOn.Value - 1)
            : null;
}
