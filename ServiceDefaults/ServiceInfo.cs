using System.Reflection;

namespace Woodpecker.ServiceDefaults;

/// <summary>What <c>/info</c> answers.</summary>
internal sealed record ServiceInfo(string Name, string Version, string? RunId)
{
    /// <summary>Version of the running executable.</summary>
    public static string RunningVersion { get; } =
        Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
