namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>How sending a call one hop on ended.</summary>
internal enum HopResult
{
    /// <summary>The answer, good or bad, was passed on, or the call was ended with a status.</summary>
    Done,

    /// <summary>The next hop could not be reached and took nothing of the body: the call may be sent elsewhere.</summary>
    NotSent,

    /// <summary>The next hop may have got the call, and no answer came.</summary>
    Broken,

    /// <summary>The one who called is gone.</summary>
    Abandoned,

    /// <summary>The body breaks the limit; nothing was answered yet.</summary>
    TooLarge,
}
