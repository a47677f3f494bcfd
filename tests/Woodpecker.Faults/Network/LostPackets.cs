namespace Woodpecker.Faults.Network;

/// <summary>Which packets of a link the kernel loses.</summary>
[Flags]
internal enum LostPackets
{
    None = 0,

    /// <summary>From the client: nobody hears what it asks.</summary>
    Requests = 1,

    /// <summary>To the client: it is heard, and hears nothing.</summary>
    Replies = 2,
}
