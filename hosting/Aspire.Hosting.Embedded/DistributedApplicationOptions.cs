namespace Aspire.Hosting;

public sealed class DistributedApplicationOptions
{
    public string[]? Args { get; set; }

    /// <summary>Assembly whose metadata say where the app host's project is; default: the entry assembly.</summary>
    public string? AssemblyName { get; set; }

    public bool DisableDashboard { get; set; }

    public bool AllowUnsecuredTransport { get; set; }

    /// <summary>Write every resource's output to the logger <c>AppHost.Resources.name</c> too.</summary>
    public bool EnableResourceLogging { get; set; }

    public string? ProjectDirectory { get; set; }

    public string? DashboardApplicationName { get; set; }
}
