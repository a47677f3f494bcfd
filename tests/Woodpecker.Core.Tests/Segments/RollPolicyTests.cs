using Woodpecker.Segments;

namespace Woodpecker.Core.Tests.Segments;

/// <summary>When segments end (W10).</summary>
public sealed class RollPolicyTests
{
    private static readonly RollPolicy _policy = new(1_000, TimeSpan.FromMinutes(10));

    [Theory]
    [InlineData(999, false, 0, false)]
    [InlineData(1_000, false, 0, true)]
    [InlineData(1, false, 600, true)]
    [InlineData(0, true, 6_000, false)]
    public void Segment_Rolls_BySizeOrAgeButNeverEmpty(long bytes, bool isEmpty, int seconds, bool rolls) =>
        Assert.Equal(rolls, _policy.ShouldRoll(bytes, isEmpty, TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void AMemoryJournal_BoundsTheLogsOwnPolicy() // section 21
    {
        Assert.Equal(RollPolicy.Memory, RollPolicy.Default.AtMost(RollPolicy.Memory));
        var small = new RollPolicy(1_000, TimeSpan.FromSeconds(1));
        Assert.Equal(small, small.AtMost(RollPolicy.Memory));
    }

    [Fact]
    public void HardCap_IsFourTimesTheSize()
    {
        Assert.False(_policy.IsAtHardCap(3_999));
        Assert.True(_policy.IsAtHardCap(4_000));
    }
}
