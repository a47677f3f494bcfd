namespace Aspire.Hosting.ApplicationModel;

/// <summary>Names of properties in a snapshot, as Aspire spells them.</summary>
internal static class KnownProperties
{
    public const string Pid = "executable.pid";
    public const string Path = "executable.path";
    public const string Arguments = "executable.args";
    public const string WorkingDirectory = "executable.workDir";
    public const string ProjectPath = "project.path";
    public const string Restarts = "embedded.restarts";
    public const string ConnectionString = "resource.connectionString";
}
