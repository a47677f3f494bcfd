using System.Globalization;
using System.Net;

namespace Etcd.Embedded;

/// <summary>
/// Reads etcd's flags. Flags of clustering are accepted and ignored; what cannot be honoured is an error.
/// </summary>
internal static class CommandLine
{
    private const string RetentionFlag = "auto-compaction-retention";

    private static readonly HashSet<string> _booleans = new(StringComparer.Ordinal)
    {
        "unsafe-no-fsync", "version", "strict-reconfig-check", "enable-v2", "pre-vote", "enable-pprof", "force-new-cluster",
        "initial-election-tick-advance",
    };

    // Peers, clusters, snapshots, elections and the shape of logs mean nothing to one process.
    private static readonly HashSet<string> _ignored = new(StringComparer.Ordinal)
    {
        "listen-peer-urls", "initial-advertise-peer-urls", "initial-cluster", "initial-cluster-state", "initial-cluster-token",
        "initial-election-tick-advance", "heartbeat-interval", "election-timeout", "pre-vote", "snapshot-count",
        "max-snapshots", "max-wals", "strict-reconfig-check", "force-new-cluster", "advertise-client-urls", "enable-v2",
        "enable-pprof", "logger", "log-outputs", "metrics", "grpc-keepalive-min-time", "grpc-keepalive-interval",
        "grpc-keepalive-timeout",
    };

    /// <summary>Parses the arguments.</summary>
    /// <exception cref="FormatException">One line that names the flag.</exception>
    public static ServerOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new ServerOptions();
        string mode = "periodic", retention = "0";
        for (var i = 0; i < arguments.Count; i++)
        {
            var (name, value) = Split(arguments, ref i);
            switch (name)
            {
                case "auto-compaction-mode":
                    mode = value;
                    break;
                case RetentionFlag:
                    retention = value;
                    break;
                default:
                    options = Set(options, name, value);
                    break;
            }
        }

        return mode switch
        {
            "revision" => options with { RetainedRevisions = Number(RetentionFlag, retention, long.MaxValue) },
            "periodic" => options with { RetainedAge = Duration(RetentionFlag, retention) },
            _ => throw new FormatException($"--auto-compaction-mode: '{mode}' is neither 'periodic' nor 'revision'."),
        };
    }

    private static ServerOptions Set(ServerOptions options, string name, string value) => name switch
    {
        "name" => options with { Name = value },
        "data-dir" => value.Length > 0 ? options with { DataDirectory = value } : throw Bad(name, "must not be empty"),
        "listen-client-urls" => options with { ClientUrl = Url(name, value) },
        "listen-metrics-urls" => options with { MetricsUrl = Url(name, value) },
        "quota-backend-bytes" =>
            Number(name, value, long.MaxValue) is > 0 and var quota ? options with { Quota = quota } : options,
        "max-txn-ops" => options with { MaxTxnOps = (int)Number(name, value, int.MaxValue) },
        "max-request-bytes" => options with { MaxRequestBytes = (int)Number(name, value, 64 * 1024 * 1024) },
        "unsafe-no-fsync" => options with { IsSynced = !Boolean(name, value) },
        "log-level" => options with { LogLevel = Level(value) },
        "version" => options with { ShowsVersion = Boolean(name, value) },
        "fault" => options with { DroppedAnswer = Fault(value) },
        _ when _ignored.Contains(name) => options,
        _ => throw new FormatException($"--{name}: unknown flag, or one of a real etcd that Etcd.Embedded does not have."),
    };

    private static (string Name, string Value) Split(IReadOnlyList<string> arguments, ref int i)
    {
        var argument = arguments[i];
        if (argument.Length < 2 || argument[0] != '-')
            throw new FormatException($"'{argument}' is not a flag.");
        var text = argument.TrimStart('-');
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals >= 0)
            return (text[..equals], text[(equals + 1)..]);
        if (_booleans.Contains(text))
            return (text, "true");
        if (i + 1 >= arguments.Count)
            throw Bad(text, "needs a value");
        return (text, arguments[++i]);
    }

    private static Uri Url(string name, string value)
    {
        if (value.Contains(',', StringComparison.Ordinal))
            throw Bad(name, "one URL only; Etcd.Embedded listens on one");
        if (!Uri.TryCreate(value, UriKind.Absolute, out var url))
            throw Bad(name, $"'{value}' is not a URL");
        if (url.Scheme != Uri.UriSchemeHttp)
            throw Bad(name, $"'{value}' is not plain http; Etcd.Embedded has no TLS");
        var isLoopback = url.Host == "localhost"
            || (IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
        return isLoopback
            ? url
            : throw Bad(name, $"'{url.Host}' is not a loopback address; Etcd.Embedded is for development on one machine");
    }

    private static long Number(string name, string value, long most) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most
            ? number
            : throw Bad(name, $"'{value}' is not a number from 0 to {most}");

    private static bool Boolean(string name, string value) =>
        bool.TryParse(value, out var result) ? result : throw Bad(name, $"'{value}' is neither true nor false");

    // As etcd reads it: a bare number is hours, otherwise like 90m or 36h.
    private static TimeSpan Duration(string name, string value)
    {
        var unit = value.Length > 0 && char.IsLetter(value[^1]) ? value[^1] : 'h';
        var number = Number(name, value.TrimEnd('h', 'm', 's'), 1_000_000);
        return unit switch
        {
            'h' => TimeSpan.FromHours(number),
            'm' => TimeSpan.FromMinutes(number),
            's' => TimeSpan.FromSeconds(number),
            _ => throw Bad(name, $"'{value}' is not a duration such as 10h or 30m"),
        };
    }

    private static LogLevel Level(string value) => value switch
    {
        "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "panic" or "fatal" => LogLevel.Critical,
        _ => throw Bad("log-level", $"'{value}' is none of debug, info, warn, error, panic, fatal"),
    };

    private static int Fault(string value)
    {
        const string Known = "drop-response-after-apply:";
        return value.StartsWith(Known, StringComparison.Ordinal)
            ? (int)Number("fault", value[Known.Length..], int.MaxValue)
            : throw Bad("fault", $"'{value}' is not {Known}<n>");
    }

    private static FormatException Bad(string name, string problem) => new($"--{name}: {problem}.");
}
