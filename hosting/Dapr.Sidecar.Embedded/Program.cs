using Dapr.Sidecar.Embedded;
using Dapr.Sidecar.Embedded.Api;
using Dapr.Sidecar.Embedded.Cli;

const int Failed = 1;
const int BadCommandLine = 2;
const int NotForProduction = 64;

if (args is ["--version"] or ["-version"])
{
    Console.WriteLine(SidecarState.RuntimeVersion);
    return 0;
}

if (Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") is { Length: > 0 }
    && Environment.GetEnvironmentVariable("WOODPECKER_ALLOW_EMBEDDED") != "1")
{
    Console.Error.WriteLine("The embedded sidecar is for development; in Kubernetes use daprd (WOODPECKER_ALLOW_EMBEDDED=1 overrides).");
    return NotForProduction;
}

try
{
    await new SidecarHost(CommandLine.Parse(args, Environment.GetEnvironmentVariable), TimeProvider.System).RunAsync();
    return 0;
}
catch (CommandLineException e)
{
    Console.Error.WriteLine(e.Message);
    return BadCommandLine;
}
catch (IOException e)
{
    Console.Error.WriteLine($"The embedded sidecar cannot start: {e.Message}");
    return Failed;
}
