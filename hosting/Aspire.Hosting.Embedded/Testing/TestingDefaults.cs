using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

internal static class TestingDefaults
{
    /// <summary>
    /// As Aspire's testing package: no dashboard, free ports, Development, logs of resources to the logger.
    /// </summary>
    public static void Apply(DistributedApplicationOptions options, HostApplicationBuilderSettings settings,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings>? configure)
    {
        options.DisableDashboard = true;
        options.EnableResourceLogging = true;
        options.AllowUnsecuredTransport = true;
        settings.EnvironmentName ??= Environments.Development;
        settings.Configuration ??= new ConfigurationManager();
        settings.Configuration.AddInMemoryCollection([new("DcpPublisher:RandomizePorts", "true")]);
        configure?.Invoke(options, settings);
    }
}
