namespace Woodpecker.Hosting.Tests.Dapr;

/// <summary>How one sidecar of a test is started.</summary>
internal sealed record SidecarSettings(string AppId, string ConfigFile)
{
    public int AppPort { get; init; }

    public string AppProtocol { get; init; } = "h2c";

    public Dictionary<string, string> Environment { get; init; } = [];

    public string[] More { get; init; } = [];

    /// <summary>False: the sidecar is used before its application listens.</summary>
    public bool WaitForApp { get; init; } = true;
}
