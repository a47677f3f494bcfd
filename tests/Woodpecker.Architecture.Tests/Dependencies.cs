namespace Woodpecker.Architecture.Tests;

/// <summary>
/// Who may know whom: one literal table of project references and packages. A new edge is a visible one-line change
/// here with its reason beside it; a row or edge that no longer exists fails too.
/// </summary>
public sealed class Dependencies
{
    private static readonly Dictionary<string, (string[] Projects, string[] Packages)> _allowed = new(StringComparer.Ordinal)
    {
        // The engine: Core <- Format <- Storage <- adapters. Core knows nothing but the BCL.
        ["Woodpecker.Core"] = ([], []),
        ["Woodpecker.Format"] = (["Woodpecker.Core"], ["System.IO.Hashing"]),
        ["Woodpecker.Storage"] = (
            ["Woodpecker.Core", "Woodpecker.Format"],
            [
                "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions",
                "K4os.Compression.LZ4", "ZstdSharp.Port", // one library per codec
            ]),
        ["Woodpecker.Storage.S3"] = (["Woodpecker.Storage"], ["AWSSDK.S3"]),
        ["Woodpecker.Metadata.Etcd"] = (["Woodpecker.Storage"], ["dotnet-etcd"]),

        // The wire and the client.
        ["Woodpecker.Protocol"] = (
            ["Woodpecker.Core"], ["Google.Protobuf", "Grpc.Net.Client", "Grpc.Core.Api", "Grpc.Tools"]),
        ["Woodpecker.Client"] = (
            ["Woodpecker.Protocol", "Woodpecker.Storage"],
            ["Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions"]),

        // Services speak Protocol to each other and never reference one another.
        ["ServiceDefaults"] = (
            [],
            [
                "Grpc.AspNetCore", "OpenTelemetry.Exporter.OpenTelemetryProtocol", "OpenTelemetry.Extensions.Hosting",
                "OpenTelemetry.Instrumentation.AspNetCore", "OpenTelemetry.Instrumentation.Http",
                "OpenTelemetry.Instrumentation.Runtime",
            ]),
        ["Woodpecker.Writer"] = (ServiceProjects, ServicePackages),
        ["Woodpecker.Replica"] = (ServiceProjects, ServicePackages),
        ["Woodpecker.Compactor"] = (ServiceProjects, ServicePackages),
        ["Woodpecker.Reader"] = (ServiceProjects, ServicePackages),

        // Development components stand in for something absent and know nothing of the product,
        // except that the metadata server is built over the local metadata store.
        ["Aspire.Hosting.Embedded"] = ([], []),
        ["Dapr.Sidecar.Embedded"] = ([], ["OpenTelemetry.Exporter.OpenTelemetryProtocol"]),
        ["Etcd.Embedded"] = (["Woodpecker.Storage"], ["dotnet-etcd", "Grpc.AspNetCore"]),

        ["wp"] = (["Woodpecker.Client"], ["Spectre.Console", "System.CommandLine"]),
    };

    private static string[] ServiceProjects =>
        ["ServiceDefaults", "Woodpecker.Protocol", "Woodpecker.Storage", "Woodpecker.Storage.S3", "Woodpecker.Metadata.Etcd"];

    private static string[] ServicePackages => ["Grpc.AspNetCore", "Microsoft.AspNetCore.OpenApi"];

    public static TheoryData<string> Rows => [.. _allowed.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void Project_References_OnlyWhatTheTableAllows(string name)
    {
        Assert.True(Repository.Projects.TryGetValue(name, out var file), $"The table names {name}, which does not exist.");
        var (projects, packages) = _allowed[name];

        Assert.Empty(Repository.References(file).Except(projects, StringComparer.Ordinal));
        Assert.Empty(Repository.Packages(file).Except(packages, StringComparer.Ordinal));
    }

    [Fact]
    public void EveryProductProject_HasARow()
    {
        var product = Repository.Projects
            .Where(static p => !Repository.Relative(p.Value).StartsWith("tests/", StringComparison.Ordinal)
                && !Repository.Relative(p.Value).StartsWith("benchmarks/", StringComparison.Ordinal)
                && p.Key != "AppHost") // references services as resources only; checked below
            .Select(static p => p.Key);
        Assert.Empty(product.Except(_allowed.Keys, StringComparer.Ordinal));
    }

    [Fact]
    public void NothingReferencesTests()
    {
        var tests = Repository.Projects
            .Where(static p => Repository.Relative(p.Value).StartsWith("tests/", StringComparison.Ordinal))
            .Select(static p => p.Key)
            .ToHashSet(StringComparer.Ordinal);
        var offenders = Repository.Projects
            .Where(p => !tests.Contains(p.Key) && Repository.References(p.Value).Any(tests.Contains))
            .Select(static p => p.Key);
        Assert.Empty(offenders);
    }

    [Fact]
    public void AppHost_ReferencesNoWoodpeckerLibrary()
    {
        var forbidden = Repository.References(Repository.Projects["AppHost"])
            .Where(static name => name.StartsWith("Woodpecker.", StringComparison.Ordinal))
            .Except(["Woodpecker.Writer", "Woodpecker.Replica", "Woodpecker.Compactor", "Woodpecker.Reader"], StringComparer.Ordinal);
        Assert.Empty(forbidden);
    }

    [Fact]
    public void CompiledAssemblies_KnowOnlyTheirLayer()
    {
        // The project files say what may be referenced; the compiled assemblies say what is.
        var core = CompiledReferences("Woodpecker.Core");
        Assert.All(core, static name => Assert.StartsWith("System.", name, StringComparison.Ordinal));
        var format = CompiledReferences("Woodpecker.Format");
        Assert.All(format, static name => Assert.True(
            name.StartsWith("System.", StringComparison.Ordinal) || name == "Woodpecker.Core", name));
        var protocol = CompiledReferences("Woodpecker.Protocol");
        Assert.DoesNotContain("Woodpecker.Storage", protocol);
        var client = CompiledReferences("Woodpecker.Client");
        Assert.DoesNotContain("Woodpecker.Storage.S3", client);
        Assert.DoesNotContain("Woodpecker.Metadata.Etcd", client);
    }

    private static List<string> CompiledReferences(string project)
    {
        var folder = Path.GetDirectoryName(Repository.Projects[project])!;
        var newest = Directory.EnumerateFiles(Path.Combine(folder, "bin"), project + ".dll", SearchOption.AllDirectories)
            .OrderByDescending(File.GetLastWriteTimeUtc)
            .First();
        using var stream = File.OpenRead(newest);
        using var pe = new System.Reflection.PortableExecutable.PEReader(stream);
        var metadata = System.Reflection.Metadata.PEReaderExtensions.GetMetadataReader(pe);
        return [.. metadata.AssemblyReferences.Select(h => metadata.GetString(metadata.GetAssemblyReference(h).Name))];
    }
}
