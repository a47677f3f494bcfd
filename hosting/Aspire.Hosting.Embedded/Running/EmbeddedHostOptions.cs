using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Running;

/// <summary>
/// What only this host knows. Set from the configuration section <c>EmbeddedHost</c>, which the real Aspire ignores, so
/// an app host can set it through public APIs alone.
/// </summary>
internal sealed class EmbeddedHostOptions
{
    public const string Section = "EmbeddedHost";

    /// <summary>Folder for logs and <c>pids.json</c>; null: none are written.</summary>
    public string? RunDirectory { get; set; }

    /// <summary>Every process of this run has it as WOODPECKER_RUN_ID.</summary>
    public string RunId { get; set; } = "";

    /// <summary>Limit of the whole orderly stop; what is left then is killed.</summary>
    public TimeSpan StopGrace { get; set; } = TimeSpan.FromSeconds(4);

    public bool IsTesting { get; set; }

    public bool DisableDashboard { get; set; }

    public bool EnableResourceLogging { get; set; }

    public string ApplicationName { get; set; } = "AppHost";

    public void Read(IConfiguration configuration)
    {
        var section = configuration.GetSection(Section);
        RunDirectory = section[nameof(RunDirectory)] ?? RunDirectory;
        RunId = section[nameof(RunId)] ?? RunId;
        if (section.GetValue<double?>("StopGraceSeconds") is { } seconds)
            StopGrace = TimeSpan.FromSeconds(seconds);
    }
}
