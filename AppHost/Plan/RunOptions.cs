using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Woodpecker.AppHost.Plan;

/// <summary>The options as the user gave them, each within its range.</summary>
internal sealed record RunOptions
{
    private const int MaxProcessesOfAKind = 9;
    private const int MinReplicas = 3; // Two of three must hold an entry; fewer replicas cannot lose one.
    private const int MinMessageBytes = 64 * 1024;
    private const int MaxMessageBytesLimit = 64 * 1024 * 1024;
    private const int HighestPortBase = 65535 - 1000;

    public required bool IsMemoryProfile { get; init; }

    public required int Replicas { get; init; }

    public required int Writers { get; init; }

    public required int Readers { get; init; }

    public required string Metadata { get; init; }

    public required string? EtcdPath { get; init; }

    public required string Dapr { get; init; }

    public required string? DaprdPath { get; init; }

    public required bool DaprApiTokens { get; init; }

    public required string Objects { get; init; }

    public required string Transport { get; init; }

    public required string Journal { get; init; }

    public required string? DataDir { get; init; }

    /// <summary>First port, 0 for free ports, null when the user did not say.</summary>
    public required int? PortsBase { get; init; }

    public required int MaxMessageBytes { get; init; }

    public required TimeSpan StopGrace { get; init; }

    public required TimeSpan StartTimeout { get; init; }

    public required string? MetadataConnectionString { get; init; }

    public required string? ObjectsConnectionString { get; init; }

    /// <summary>Options of the services, by their key below <c>Woodpecker:</c>.</summary>
    public required IReadOnlyDictionary<string, string> ServiceValues { get; init; }

    public static RunOptions Read(IConfiguration configuration)
    {
        var section = configuration.GetSection(OptionTable.Section);
        var memory = Word(section, "Profile", "default", "default", "memory") == "memory";
        return new RunOptions
        {
            IsMemoryProfile = memory,
            Replicas = ReadReplicas(section),
            Writers = Number(section, "Writers", 1, 1, MaxProcessesOfAKind),
            Readers = Number(section, "Readers", 1, 1, MaxProcessesOfAKind),
            Metadata = Word(section, "Metadata", "auto", "auto", "external", "process", "embedded"),
            EtcdPath = Text(section, "Metadata:EtcdPath"),
            Dapr = Word(section, "Dapr", "auto", "auto", "process", "embedded", "none"),
            DaprdPath = Text(section, "Dapr:Path"),
            DaprApiTokens = Word(section, "Dapr:ApiTokens", "false", "false", "true") == "true",
            Objects = Word(section, "Objects", "auto", "auto", "external", "folder"),
            Transport = Word(section, "Transport", "Dapr", "Dapr", "Direct"),
            Journal = Word(section, "Journal", memory ? "Memory" : "Disk", "Disk", "Memory"),
            DataDir = Text(section, "DataDir"),
            PortsBase = Text(section, "Ports:Base") is null ? null
                : Number(section, "Ports:Base", 0, 0, HighestPortBase),
            MaxMessageBytes = Number(section, "MaxMessageBytes", 4 * 1024 * 1024, MinMessageBytes,
                MaxMessageBytesLimit),
            StopGrace = TimeSpan.FromSeconds(Number(section, "StopGraceSeconds", 4, 1, 600)),
            StartTimeout = TimeSpan.FromSeconds(Number(section, "StartTimeoutSeconds", 120, 5, 3600)),
            MetadataConnectionString = Empty(configuration.GetConnectionString("metadata")),
            ObjectsConnectionString = Empty(configuration.GetConnectionString("objects")),
            ServiceValues = OptionTable.ServiceValues(configuration),
        };
    }

    private static int ReadReplicas(IConfigurationSection section)
    {
        var replicas = Number(section, "Replicas", MinReplicas, 0, MaxProcessesOfAKind);
        return replicas is 0 or >= MinReplicas
            ? replicas
            : throw RunPlanException.Option(
                $"Woodpecker:Replicas is {replicas}: it must be 0 (MemoryBuffer logs only) or {MinReplicas} to "
                + $"{MaxProcessesOfAKind}, since two replicas have to hold an entry while a third may fail.");
    }

    private static int Number(IConfigurationSection section, string key, int fallback, int lowest, int highest)
    {
        if (Text(section, key) is not { } text)
            return fallback;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= lowest
            && value <= highest
            ? value
            : throw RunPlanException.Option(
                $"Woodpecker:{key} is '{text}': it must be a whole number from {lowest} to {highest}.");
    }

    private static string Word(IConfigurationSection section, string key, string fallback, params string[] allowed)
    {
        var text = Text(section, key) ?? fallback;
        return allowed.FirstOrDefault(word => string.Equals(word, text, StringComparison.OrdinalIgnoreCase))
            ?? throw RunPlanException.Option(
                $"Woodpecker:{key} is '{text}': it must be {string.Join(", ", allowed[..^1])} or {allowed[^1]}.");
    }

    private static string? Text(IConfigurationSection section, string key) => Empty(section[key]);

    private static string? Empty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
