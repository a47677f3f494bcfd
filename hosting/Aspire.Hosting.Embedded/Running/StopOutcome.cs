namespace Aspire.Hosting.Running;

/// <summary>How a request to stop ended.</summary>
internal enum StopOutcome
{
    NotRunning,
    Stopped,

    /// <summary>It did not end within the grace.</summary>
    Killed,
}
