namespace Woodpecker.Faults.Network;

/// <summary>What a link does with bytes and connections.</summary>
internal enum LinkState
{
    Open,

    /// <summary>Both directions: nothing arrives, nothing is refused, as behind a cable that was pulled.</summary>
    Silent,

    /// <summary>What the client sends is held back; answers pass.</summary>
    DropsRequests,

    /// <summary>Requests arrive; answers are held back.</summary>
    DropsReplies,

    /// <summary>Connections are reset, new ones refused.</summary>
    Cut,

    /// <summary>Every piece is late by 200 ms.</summary>
    Slow,
}
