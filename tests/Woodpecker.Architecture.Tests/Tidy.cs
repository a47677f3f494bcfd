using System.Text.RegularExpressions;

namespace Woodpecker.Architecture.Tests;

/// <summary>Words, documents and exemptions that a compiler does not check.</summary>
public sealed partial class Tidy
{
    // Words of the glossary's "avoid" column that cannot mean anything else in this code base.
    private static readonly string[] _bannedWords =
        ["ledger", "highWatermark", "HighWatermark", "Ledger", "writeQuorumSize", "wq", "aq"];

    [Fact]
    public void AvoidedWords_AreNotIdentifiers()
    {
        var offenders = new List<string>();
        foreach (var file in Repository.SourceFiles("src", "services", "tools"))
        {
            var code = CommentsAndText().Replace(File.ReadAllText(file), "");
            foreach (var word in _bannedWords)
            {
                if (Regex.IsMatch(code, $@"\b{word}\b"))
                    offenders.Add($"{Repository.Relative(file)}: {word}");
            }
        }

        Assert.Empty(offenders);
    }

    [Fact]
    public void TypesNamedByTheArchitectureDocument_Exist()
    {
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "ARCHITECTURE.md"));
        var known = Repository.SourceFiles("src", "services", "tools", "hosting", "ServiceDefaults", "AppHost")
            .SelectMany(static file => Declaration().Matches(File.ReadAllText(file)).Select(static m => m.Groups["name"].Value))
            .ToHashSet(StringComparer.Ordinal);
        var named = CodeWord().Matches(document).Select(static m => m.Groups["name"].Value).Distinct(StringComparer.Ordinal);
        Assert.Empty(named.Except(known, StringComparer.Ordinal));
    }

    [Fact]
    public void RulesCitedInCode_AreInTheProtocolDocument()
    {
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "PROTOCOL.md"));
        var unknown = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var file in Repository.SourceFiles("src", "services"))
        {
            foreach (Match match in Citation().Matches(File.ReadAllText(file)))
            {
                if (!Regex.IsMatch(document, $@"(\*\*|\b){Regex.Escape(match.Value)}\b"))
                    unknown.Add($"{match.Value} in {Repository.Relative(file)}");
            }
        }

        Assert.Empty(unknown);
    }

    [Fact]
    public void Sources_HoldNoUnfinishedMarks()
    {
        var marks = new[] { "TO" + "DO", "FIX" + "ME", "NotImplemented" + "Exception" };
        var offenders = Repository.SourceFiles("src", "services", "tools", "hosting", "AppHost", "ServiceDefaults", "tests")
            .Where(file => marks.Any(mark => File.ReadAllText(file).Contains(mark, StringComparison.Ordinal)))
            .Select(Repository.Relative);
        Assert.Empty(offenders);
    }

    [Fact]
    public void LargestFiles_ArePrinted()
    {
        var largest = Repository.SourceFiles("src", "services", "tools", "hosting", "AppHost", "ServiceDefaults")
            .Select(static file => (Lines: File.ReadLines(file).Count(), File: Repository.Relative(file)))
            .OrderByDescending(static f => f.Lines)
            .Take(10)
            .ToList();
        Assert.NotEmpty(largest);
        foreach (var (lines, file) in largest)
            TestContext.Current.TestOutputHelper?.WriteLine($"{lines,5} {file}");
    }

    [GeneratedRegex(@"//[^\n]*|/\*.*?\*/|""(?:\\.|[^""\\])*""", RegexOptions.Singleline)]
    private static partial Regex CommentsAndText();

    [GeneratedRegex(@"\b(?:class|struct|record|interface|enum|delegate)\s+(?:struct\s+|class\s+)?(?<name>[A-Z]\w+)")]
    private static partial Regex Declaration();

    // Backticked Pascal-case words without dots, slashes or spaces are type names in docs/ARCHITECTURE.md.
    [GeneratedRegex(@"`(?<name>I?[A-Z][a-z]+[A-Z]\w*)`")]
    private static partial Regex CodeWord();

    [GeneratedRegex(@"\bINV-\d+\b")]
    private static partial Regex Citation();
}
