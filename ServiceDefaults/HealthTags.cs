namespace Woodpecker.ServiceDefaults;

/// <summary>Tags of health checks. A check reads cached state: it does no I/O and answers in less than 100 ms.</summary>
public static class HealthTags
{
    /// <summary>The process can work at all. Never depends on metadata, object store or sidecar.</summary>
    public const string Live = "live";

    /// <summary>The service can do its work now.</summary>
    public const string Ready = "ready";
}
