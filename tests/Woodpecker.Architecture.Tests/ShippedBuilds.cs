using System.Xml.Linq;

namespace Woodpecker.Architecture.Tests;

/// <summary>What must never be part of a build that is shipped.</summary>
public sealed class ShippedBuilds
{
    private const string Symbol = "WOODPECKER_MUTANTS";

    [Fact]
    public void KnownMistakes_AreCompiledIn_OnlyByDebugBuilds()
    {
        var definitions = new List<string>();
        foreach (var pattern in new[] { "*.csproj", "*.props", "*.targets" })
        {
            foreach (var path in Directory.EnumerateFiles(Repository.Root, pattern, SearchOption.AllDirectories))
            {
                if (path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
                    continue;
                foreach (var constants in XDocument.Load(path).Descendants("DefineConstants"))
                {
                    if (!constants.Value.Contains(Symbol, StringComparison.Ordinal))
                        continue;
                    definitions.Add(Repository.Relative(path));
                    Assert.Equal("'$(Configuration)' == 'Debug'", constants.Parent!.Attribute("Condition")?.Value);
                }
            }
        }

        Assert.Equal(
            ["src/Woodpecker.Core/Woodpecker.Core.csproj", "tests/Woodpecker.Simulation/Woodpecker.Simulation.csproj"],
            definitions.Order(StringComparer.Ordinal));
    }
}
