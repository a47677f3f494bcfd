using CsCheck;
using Woodpecker.Recovery;

namespace Woodpecker.Core.Tests.Recovery;

/// <summary>Offsets after a declared loss: 11.6, INV-2.</summary>
public sealed class DeclaredLossTests
{
    [Theory]
    [InlineData(0UL, 2UL)]
    [InlineData(1UL, 2UL)]
    [InlineData((1UL << 32) - 1, 2UL)] // the nearest multiple lies within the segment that may have been lost
    [InlineData(1UL << 32, 3UL)]
    [InlineData((5UL << 32) + 17, 7UL)]
    public void NextBase_IsAMultiple_BehindAllThatASegmentCanHold(ulong known, ulong multiple)
    {
        Assert.Equal(new Offset(multiple << 32), DeclaredLoss.NextBase(new Offset(known)));
    }

    [Fact]
    public void NextBase_LeavesMoreThanAStride_BehindEveryKnownOffset() =>
        Gen.ULong[0, Limits.MaxOffset].Sample(known =>
            DeclaredLoss.NextBase(new Offset(known)) is not { } next
                ? known > Limits.MaxOffset - 2 * DeclaredLoss.Stride
                : next.Value % DeclaredLoss.Stride == 0 && next.Value - known > DeclaredLoss.Stride);
}
