namespace Aspire.Hosting;

/// <summary>
/// Kept for source compatibility: this host reads neither launch profiles nor Kestrel endpoints of a project.
/// </summary>
public class ProjectResourceOptions
{
    public string? LaunchProfileName { get; set; }

    public bool ExcludeLaunchProfile { get; set; }

    public bool ExcludeKestrelEndpoints { get; set; }
}
