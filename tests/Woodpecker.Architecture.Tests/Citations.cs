using System.Globalization;
using System.Text.RegularExpressions;

namespace Woodpecker.Architecture.Tests;

/// <summary>Every rule and every invariant of the protocol document is cited where it is kept or where it is tested.</summary>
public sealed partial class Citations
{
    // Rules that tell what is not there, or how to run what is: no line of code could keep them.
    private static readonly string[] _withoutCode = ["B12", "Z5"];

    [Fact]
    public void RulesAndInvariants_AreCitedByCodeOrTests()
    {
        var document = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "PROTOCOL.md"));
        var stated = document.SelectMany(static line => Rule().Match(line) is { Success: true } rule
            ? [rule.Groups["id"].Value]
            : Invariant().Match(line) is { Success: true } invariant ? new[] { invariant.Groups["id"].Value } : []);
        var cited = Repository.SourceFiles("src", "services", "tests")
            .SelectMany(static file => CitedIn(File.ReadAllText(file)))
            .ToHashSet(StringComparer.Ordinal);

        var missing = stated.Except(cited, StringComparer.Ordinal).Except(_withoutCode, StringComparer.Ordinal);

        Assert.NotEmpty(stated);
        Assert.Empty(missing);
    }

    [Theory]
    [InlineData("// R5", "R5")]
    [InlineData("// R2 to R4, INV-2, 10", "R2 R3 R4 INV-2 INV-10")]
    [InlineData("// INV-9..11", "INV-9 INV-10 INV-11")]
    public void CitedIn_UnderstandsListsAndRanges(string text, string expected) =>
        Assert.Equal(expected.Split(' ').Order(StringComparer.Ordinal), CitedIn(text).Distinct().Order(StringComparer.Ordinal));

    private static IEnumerable<string> CitedIn(string text)
    {
        foreach (Match match in Cited().Matches(text))
        {
            var kind = match.Groups["kind"].Value;
            var first = Number(match.Groups["first"]);
            var last = match.Groups["last"].Success ? Number(match.Groups["last"]) : first;
            for (var number = first; number <= last; number++)
                yield return $"{kind}{number}";
            foreach (Capture other in match.Groups["other"].Captures)
                yield return $"{kind}{other.Value}";
        }
    }

    private static int Number(Group group) => int.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^- \*\*(?<id>[A-Z]\d+)\*\*")]
    private static partial Regex Rule();

    [GeneratedRegex(@"^\d+\. (?<id>INV-\d+)\b")]
    private static partial Regex Invariant();

    // "R5", "R2 to R8", "INV-9..14", "INV-2, 10, 11"
    [GeneratedRegex(@"\b(?<kind>INV-|[A-Z])(?<first>\d{1,2})\b(?:(?: to |\.\.)\k<kind>?(?<last>\d{1,2})\b)?(?:, (?<other>\d{1,2})\b)*")]
    private static partial Regex Cited();
}
