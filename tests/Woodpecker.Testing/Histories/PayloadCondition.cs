namespace Woodpecker.Testing.Histories;

/// <summary>What a self-describing payload says about itself.</summary>
public enum PayloadCondition
{
    /// <summary>Not one of ours.</summary>
    Foreign,

    /// <summary>Length and hash fit.</summary>
    Whole,

    /// <summary>It was one of ours and is no longer what it was.</summary>
    Damaged,
}
