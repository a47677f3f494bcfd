using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Dapr.Sidecar.Embedded.Cli;

namespace Woodpecker.Hosting.Tests.Dapr;

/// <summary>S47: what the embedded sidecar cannot do, it refuses in one line that names the flag.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("--no-such-flag", "--no-such-flag", "x")]
    [InlineData("--enable-mtls", "--enable-mtls=true")]
    [InlineData("--mode", "--mode", "kubernetes")]
    [InlineData("--app-protocol", "--app-protocol", "https")]
    [InlineData("--app-protocol", "--app-protocol=grpcs")]
    [InlineData("--dapr-listen-addresses", "--dapr-listen-addresses", "0.0.0.0")]
    [InlineData("--dapr-listen-addresses", "--dapr-listen-addresses", "127.0.0.1,10.0.0.1")]
    [InlineData("--app-channel-address", "--app-channel-address", "10.0.0.1")]
    [InlineData("--dapr-internal-grpc-listen-address", "--dapr-internal-grpc-listen-address", "::")]
    [InlineData("--metrics-listen-address", "--metrics-listen-address", "0.0.0.0")]
    [InlineData("--resources-path", "--resources-path", "/")]
    [InlineData("--app-port", "--app-port", "65536")]
    [InlineData("--max-body-size", "--max-body-size", "4 MiB")]
    [InlineData("--log-level", "--log-level", "loud")]
    [InlineData("--app-id", "--app-id", "a/b")]
    [InlineData("--app-id", "--app-port", "1")]
    [InlineData("--app-port", "--app-id", "a", "--app-port")]
    public void S47_UnusableFlag_IsNamed(string named, params string[] args)
    {
        var error = Assert.Throws<CommandLineException>(() => CommandLine.Parse(args, _ => null));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public async Task S47_UnusableFlag_EndsTheProcessWithTwo()
    {
        var (code, output) = await RunAsync("--app-id", "a", "--enable-mtls=true");
        Assert.Equal(2, code);
        Assert.Contains("--enable-mtls", Assert.Single(output), StringComparison.Ordinal);
    }

    [Fact]
    public async Task BusyPort_IsToldInOneLine()
    {
        using var listener = new TcpListener(IPAddress.Loopback, FreePort.Next());
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        var (code, output) = await RunAsync(
            "--app-id", "a", "--dapr-http-port", port, "--dapr-grpc-port", FreePort.Next().ToString(CultureInfo.InvariantCulture), "--enable-metrics=false");
        Assert.Equal(1, code);
        Assert.Contains(port, Assert.Single(output), StringComparison.Ordinal);
    }

    private static async Task<(int Code, string[] Output)> RunAsync(params string[] args)
    {
        var start = new ProcessStartInfo(SidecarBinary.Embedded.Command) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var arg in (string[])[.. SidecarBinary.Embedded.Prefix, .. args])
        {
            start.ArgumentList.Add(arg);
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, (await output + error).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Flags_AreReadInEveryForm()
    {
        var options = CommandLine.Parse(
            ["-app-id", "a", "--app-port=7", "--app-protocol", "h2c", "--max-body-size", "8Mi", "--enable-metrics=false", "--mode=standalone"],
            name => name == "APP_API_TOKEN" ? "t" : null);
        Assert.Equal(("a", 7, AppProtocol.H2c, 8 << 20, 0, "t"),
            (options.AppId, options.AppPort, options.AppProtocol, options.MaxBodyBytes, options.MetricsPort, options.AppToken));
        Assert.Empty(options.Warnings);
    }

    [Fact]
    public void FlagWithoutEffect_GivesOneWarning()
    {
        var options = CommandLine.Parse(
            ["--app-id", "a", "--placement-host-address", "somewhere:50005", "--scheduler-host-address=", "--enable-mtls=false"], _ => null);
        Assert.Contains("--placement-host-address", Assert.Single(options.Warnings), StringComparison.Ordinal);
    }
}
