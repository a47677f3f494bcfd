using System.Text;
using Microsoft.Extensions.Configuration;

namespace Woodpecker.AppHost.Plan;

/// <summary>
/// All options there are. Anything else is refused with the nearest name, since a misspelt option does nothing.
/// </summary>
internal static class OptionTable
{
    public const string Section = "Woodpecker";

    private const int MaxSuggestionDistance = 4;

    /// <summary>Sections that AppHost hands to the services as they are; the services check them.</summary>
    private static readonly string[] ServiceSections =
        ["Writer", "Reader", "Compactor", "Journal", "Care"];

    public static IReadOnlyList<OptionKey> All { get; } =
    [
        new("Profile", "default", "default, or memory: nothing on disk, deleted at the end"),
        new("Replicas", "3", "replicas, 3 to 9, or 0 for MemoryBuffer logs only"),
        new("Writers", "1", "writers, 1 to 9"),
        new("Readers", "1", "readers, 1 to 9"),
        new("Metadata", "auto",
            "external (ConnectionStrings:metadata), process (etcd on PATH), embedded, or auto: the first there is"),
        new("Metadata:EtcdPath", "", "path of an etcd program"),
        new("Dapr", "auto", "process (daprd on PATH), embedded, none, or auto: the first there is"),
        new("Dapr:Path", "", "path of a daprd program"),
        new("Dapr:ApiTokens", "false", "require a token on the sidecars' own API"),
        new("Objects", "auto", "external (ConnectionStrings:objects), folder, or auto"),
        new("Transport", "Dapr", "Dapr, or Direct: services call each other without sidecars"),
        new("Journal", "Disk", "Disk, or Memory: replica journals in memory"),
        new("DataDir", ".woodpecker", "where everything is kept, beside the solution unless absolute"),
        new("Ports:Base", "7400", "first port of the run, 0 for any free ones"),
        new("MaxMessageBytes", "4194304", "limit of one message, for services and sidecars alike"),
        new("StopGraceSeconds", "4", "limit of an orderly stop; what is left then is killed"),
        new("StartTimeoutSeconds", "120", "limit of the start; the slowest resources are named then"),
    ];

    /// <summary>Refuses arguments that would be ignored silently, and unknown keys from whatever source.</summary>
    public static void Check(IConfiguration configuration, IReadOnlyList<string> arguments)
    {
        foreach (var key in Keys(configuration.GetSection(Section)))
        {
            if (!IsForServices(key) && !All.Any(known =>
                string.Equals(known.Name, key, StringComparison.OrdinalIgnoreCase)))
                throw Unknown($"{Section}:{key}");
        }

        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (argument is "--help" or "-h" or "-?")
                throw new RunPlanException(Help(), exitCode: 0);
            if (!argument.StartsWith("--", StringComparison.Ordinal))
                throw RunPlanException.Option(
                    $"Unexpected argument '{argument}': options look like --{Section}:Replicas=5 (see --help).");
            var key = argument[2..].Split('=')[0];
            if (!IsHostOption(key) && !key.StartsWith(Section + ":", StringComparison.OrdinalIgnoreCase))
                throw Unknown(key);
            if (!argument.Contains('=', StringComparison.Ordinal))
                i++; // The value is the next argument.
        }
    }

    /// <summary>Values of the services' own sections, by their key below <c>Woodpecker:</c>.</summary>
    public static IReadOnlyDictionary<string, string> ServiceValues(IConfiguration configuration) =>
        configuration.GetSection(Section).AsEnumerable(makePathsRelative: true)
            .Where(static pair => pair.Value is not null && IsForServices(pair.Key))
            .ToDictionary(static pair => pair.Key, static pair => pair.Value!);

    private static bool IsForServices(string key) =>
        ServiceSections.Any(section => key.StartsWith(section + ":", StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// Options of .NET and Aspire hosts; a key with a section (Logging:…) is configuration of some library.
    /// </summary>
    private static bool IsHostOption(string key) => key.Contains(':', StringComparison.Ordinal)
        || key.ToUpperInvariant() is "ENVIRONMENT" or "CONTENTROOT" or "APPLICATIONNAME" or "URLS" or "OPERATION" or "STEP"
            or "PUBLISHER" or "OUTPUT-PATH" or "LAUNCH-PROFILE";

    private static RunPlanException Unknown(string key)
    {
        var nearest = Nearest(key);
        return RunPlanException.Option($"Unknown option '{key}'"
            + (nearest is null ? $"; the options are: {string.Join(", ", All.Select(o => o.Name))}."
                : $". Did you mean --{Section}:{nearest}?"));
    }

    private static string? Nearest(string key)
    {
        var name = key.StartsWith(Section + ":", StringComparison.OrdinalIgnoreCase) ? key[(Section.Length + 1)..]
            : key;
        var best = All.MinBy(option => Distance(option.Name, name))!;
        return Distance(best.Name, name) <= MaxSuggestionDistance ? best.Name : null;
    }

    /// <summary>Edits between two names, without regard to case.</summary>
    private static int Distance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var same = char.ToUpperInvariant(left[i - 1]) == char.ToUpperInvariant(right[j - 1]);
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal
                    + (same ? 0 : 1)));
            }
        }

        return row[^1];
    }

    private static IEnumerable<string> Keys(IConfigurationSection section) =>
        section.AsEnumerable(makePathsRelative: true)
        .Where(pair => pair.Key.Length > 0 && pair.Value is not null).Select(pair => pair.Key);

    private static string Help()
    {
        var text = new StringBuilder(
            $"Starts a whole Woodpecker on this machine. Options (--{Section}:NAME=VALUE, or {Section}__NAME in the environment):\n");
        foreach (var option in All)
            text.Append(
                $"  {option.Name,-20} {option.Meaning} (default: {(option.Default.Length > 0 ? option.Default : "none")})\n");
        text.Append("  ").AppendJoin(":…, ", ServiceSections).Append(":…  handed to the services as they are\n");
        return text.Append(
            "Also: --ConnectionStrings:metadata=http://HOST:PORT and --ConnectionStrings:objects=s3://BUCKET/PREFIX?...").ToString();
    }
}
