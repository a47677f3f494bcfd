using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;

namespace Dapr.Sidecar.Embedded.Cli;

/// <summary>daprd's command line: the flags that matter here, those that are accepted and ignored, and nothing else.</summary>
internal static class CommandLine
{
    private const int LargestBody = 1 << 30;

    /// <summary>Flags without effect here that take a value, with the value that asks for nothing (null: any).</summary>
    private static readonly Dictionary<string, string?> IgnoredValues = new(StringComparer.Ordinal)
    {
        ["placement-host-address"] = "",
        ["scheduler-host-address"] = "",
        ["sentry-address"] = "",
        ["control-plane-address"] = "",
        ["profile-port"] = "",
        ["unix-domain-socket"] = "",
        ["allowed-origins"] = "*",
        ["app-health-check-path"] = "",
        ["app-health-probe-interval"] = "",
        ["app-health-probe-timeout"] = "",
        ["app-health-threshold"] = "",
        ["disable-init-endpoints"] = null,
    };

    private static readonly HashSet<string> IgnoredSwitches = new(StringComparer.Ordinal)
    {
        "enable-profiling", "enable-app-health-check",
    };

    private static readonly HashSet<string> Switches = new(StringComparer.Ordinal)
    {
        "enable-metrics", "enable-api-logging", "enable-mtls",
    };

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "app-id", "app-port", "app-protocol", "app-channel-address", "app-max-concurrency", "dapr-http-port", "dapr-grpc-port",
        "dapr-internal-grpc-port", "dapr-internal-grpc-listen-address", "dapr-listen-addresses", "dapr-public-port",
        "dapr-public-listen-address", "metrics-port", "metrics-listen-address", "max-body-size", "dapr-http-max-request-size",
        "read-buffer-size", "dapr-graceful-shutdown-seconds", "log-level", "config", "resources-path", "components-path", "mode",
    };

    static CommandLine()
    {
        Known.UnionWith(Switches);
        Known.UnionWith(IgnoredSwitches);
        Known.UnionWith(IgnoredValues.Keys);
    }

    /// <summary>Reads the arguments; <paramref name="environment"/> gives the value of a variable or null.</summary>
    /// <exception cref="CommandLineException">A flag is unknown, or its value cannot be used.</exception>
    public static SidecarOptions Parse(IReadOnlyList<string> args, Func<string, string?> environment)
    {
        List<string> warnings = [];
        var options = new SidecarOptions
        {
            AppId = "",
            Namespace = NonEmpty(environment("NAMESPACE")) ?? "default",
            ApiToken = NonEmpty(environment("DAPR_API_TOKEN")),
            AppToken = NonEmpty(environment("APP_API_TOKEN")),
            OtlpEndpoint = NonEmpty(environment("OTEL_EXPORTER_OTLP_ENDPOINT")),
        };
        foreach (var (name, value) in Pairs(args))
        {
            options = Apply(options, name, value, warnings);
        }

        if (options.AppId.Length == 0)
        {
            throw new CommandLineException("--app-id is required");
        }

        return options with { Warnings = warnings };
    }

    private static IEnumerable<(string Name, string Value)> Pairs(IReadOnlyList<string> args)
    {
        for (var i = 0; i < args.Count; i++)
        {
            var text = args[i];
            var dashes = text.StartsWith("--", StringComparison.Ordinal) ? 2 : text.StartsWith('-') ? 1 : 0;
            if (dashes == 0 || text.Length == dashes)
            {
                throw new CommandLineException($"'{text}' is not a flag");
            }

            var equals = text.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? text[dashes..] : text[dashes..equals];
            if (!Known.Contains(name))
            {
                throw new CommandLineException($"--{name} is not a flag of this sidecar");
            }

            if (equals >= 0)
            {
                yield return (name, text[(equals + 1)..]);
            }
            else if (Switches.Contains(name) || IgnoredSwitches.Contains(name))
            {
                yield return (name, "true");
            }
            else
            {
                yield return ++i < args.Count ? (name, args[i]) : throw new CommandLineException($"--{name} needs a value");
            }
        }
    }

    private static SidecarOptions Apply(SidecarOptions options, string name, string value, List<string> warnings) => name switch
    {
        "app-id" => options with { AppId = AppId(value) },
        "app-port" => options with { AppPort = Port(name, value) },
        "app-protocol" => options with { AppProtocol = Protocol(value) },
        "app-channel-address" => options with { AppChannelAddress = Loopback(name, value).ToString() },
        "app-max-concurrency" => options with { AppMaxConcurrency = Number(name, value, -1, 1_000_000) is var n and > 0 ? n : 0 },
        "dapr-http-port" => options with { HttpPort = Port(name, value) },
        "dapr-grpc-port" => options with { GrpcPort = Port(name, value) },
        "dapr-internal-grpc-port" => options with { InternalPort = Port(name, value) },
        "dapr-internal-grpc-listen-address" => options with { InternalAddress = Loopback(name, value) },
        "dapr-listen-addresses" => options with { ListenAddresses = Addresses(name, value) },
        "dapr-public-port" => options with { PublicPort = Port(name, value) },
        "dapr-public-listen-address" => options with { PublicAddress = Loopback(name, value) },
        "metrics-port" => options with { MetricsPort = Port(name, value) },
        "metrics-listen-address" => options with { MetricsAddress = Loopback(name, value) },
        "enable-metrics" => Switch(name, value) ? options : options with { MetricsPort = 0 },
        "max-body-size" => options with { MaxBodyBytes = Size(name, value) },
        "dapr-http-max-request-size" => options with { MaxBodyBytes = Megabytes(name, value) },
        "read-buffer-size" => options with { MaxHeaderBytes = Size(name, value) },
        "dapr-graceful-shutdown-seconds" => options with { Grace = TimeSpan.FromSeconds(Number(name, value, 0, 3600)) },
        "log-level" => options with { LogLevel = Level(value) },
        "enable-api-logging" => options with { LogCalls = Switch(name, value) },
        "config" => options with { NamesDirectory = DaprConfiguration.ReadNamesDirectory(value, warnings) },
        _ => Ignore(options, name, value, warnings),
    };

    private static SidecarOptions Ignore(SidecarOptions options, string name, string value, List<string> warnings)
    {
        switch (name)
        {
            case "resources-path" or "components-path":
                DemandEmpty(name, value);
                break;
            case "enable-mtls" when Switch(name, value):
                throw new CommandLineException("--enable-mtls: this sidecar has no mutual TLS");
            case "mode" when value != "standalone":
                throw new CommandLineException($"--mode {value}: this sidecar is standalone");
            case "enable-mtls" or "mode":
                break;
            case var _ when IgnoredValues.TryGetValue(name, out var nothing):
                if (nothing is not null && value != nothing)
                {
                    warnings.Add($"--{name} has no effect in the embedded sidecar");
                }

                break;
            case var _ when IgnoredSwitches.Contains(name):
                if (Switch(name, value))
                {
                    warnings.Add($"--{name} has no effect in the embedded sidecar");
                }

                break;
            default:
                throw new InvalidOperationException($"--{name} is known but not handled");
        }

        return options;
    }

    private static void DemandEmpty(string name, string directory)
    {
        if (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any())
        {
            throw new CommandLineException($"--{name} {directory}: the directory is not empty, and this sidecar has no components");
        }
    }

    private static string AppId(string value) =>
        value.Length is > 0 and <= 128 && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            ? value
            : throw new CommandLineException($"--app-id '{value}' must be 1-128 letters, digits, '-' or '_'");

    private static AppProtocol Protocol(string value) => value switch
    {
        "http" => AppProtocol.Http,
        "h2c" => AppProtocol.H2c,
        "grpc" => AppProtocol.Grpc,
        _ => throw new CommandLineException($"--app-protocol {value}: only http, h2c and grpc are supported"),
    };

    private static LogLevel Level(string value) => value switch
    {
        "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warn" or "warning" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "fatal" or "panic" => LogLevel.Critical,
        _ => throw new CommandLineException($"--log-level {value}: use debug, info, warn, error or fatal"),
    };

    private static IPAddress[] Addresses(string name, string value)
    {
        var parts = value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return parts.Length == 0 ? [IPAddress.Loopback] : [.. parts.Select(part => Loopback(name, part))];
    }

    private static IPAddress Loopback(string name, string value)
    {
        var address = value is "localhost" or "" ? IPAddress.Loopback : IPAddress.TryParse(value.Trim('[', ']'), out var ip) ? ip : null;
        return address is not null && IPAddress.IsLoopback(address)
            ? address
            : throw new CommandLineException($"--{name} {value}: this sidecar listens and calls on loopback only");
    }

    private static int Port(string name, string value) => Number(name, value, 0, IPEndPoint.MaxPort);

    private static int Number(string name, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new CommandLineException($"--{name} '{value}' is not a number from {least} to {most}");

    private static int Size(string name, string value) =>
        Quantity.TryParse(value, out var bytes) && bytes is > 0 and <= LargestBody
            ? bytes
            : throw new CommandLineException($"--{name} '{value}' is not a size such as 4Mi, of at most 1Gi");

    private static int Megabytes(string name, string value) => Number(name, value, 1, LargestBody >> 20) << 20;

    private static bool Switch(string name, string value) => value switch
    {
        "true" or "1" or "t" or "T" or "True" or "TRUE" => true,
        "false" or "0" or "f" or "F" or "False" or "FALSE" => false,
        _ => throw new CommandLineException($"--{name} '{value}' is neither true nor false"),
    };

    private static string? NonEmpty(string? value) => string.IsNullOrEmpty(value) ? null : value;
}
