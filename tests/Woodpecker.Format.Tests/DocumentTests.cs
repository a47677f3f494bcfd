using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Woodpecker.Format.Entries;

namespace Woodpecker.Format.Tests;

/// <summary>The byte tables of docs/FORMAT.md say what the constants say, and leave nothing out.</summary>
public sealed partial class DocumentTests
{
    public static TheoryData<string> Structures => [.. Tables().Keys];

    [Fact]
    public void EveryStructureWithPlaces_HasATable()
    {
        var types = typeof(FrameHeader).Assembly.GetTypes()
            .Where(type => Places(type).Any() && !type.Name.Contains('<', StringComparison.Ordinal))
            .Select(type => type.Name);
        Assert.Equal(types.Order(StringComparer.Ordinal), Tables().Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Structures))]
    public void Table_EqualsTheConstants(string structure)
    {
        var (size, rows) = Tables()[structure];
        var type = typeof(FrameHeader).Assembly.GetTypes().Single(one => one.Name == structure);
        var places = Places(type).ToDictionary(field => field.Name, field => (int)field.GetRawConstantValue()!);
        var end = 0;
        foreach (var (at, length, constant) in rows)
        {
            Assert.Equal(end, at);
            if (constant.Length > 0)
                Assert.Equal(at, places[constant]);
            places.Remove(constant);
            end = at + length;
        }

        Assert.Empty(places);
        Assert.Equal(size, end);
        var declared = type.GetField("Size") ?? type.GetField("PrefixSize") ?? type.GetField("FixedSize", Any);
        Assert.Equal(size, structure == "SegmentHeader" ? end : (int)declared!.GetRawConstantValue()!);
    }

    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    private static IEnumerable<FieldInfo> Places(Type type) =>
        type.GetFields(Any).Where(field => field.IsLiteral && field.FieldType == typeof(int) && field.Name.EndsWith("At", StringComparison.Ordinal));

    private static Dictionary<string, (int Size, List<(int At, int Length, string Constant)> Rows)> Tables()
    {
        var tables = new Dictionary<string, (int, List<(int, int, string)>)>();
        List<(int, int, string)>? rows = null;
        foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "FORMAT.md")))
        {
            if (Title().Match(line) is { Success: true } title)
            {
                rows = [];
                tables.Add(title.Groups["type"].Value, (Number(title.Groups["size"]), rows));
            }
            else if (rows is not null && Row().Match(line) is { Success: true } row)
            {
                rows.Add((Number(row.Groups["at"]), Number(row.Groups["size"]), row.Groups["constant"].Value));
            }
            else if (rows is { Count: > 0 } && line.Length == 0)
            {
                rows = null;
            }
        }

        return tables;
    }

    private static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^Layout of .*?`(?<type>\w+)` \((?<size>\d+) bytes\)")]
    private static partial Regex Title();

    [GeneratedRegex(@"^\| (?<at>\d+) \| (?<size>\d+) \| .* \| (`(?<constant>\w+)` )?\|$")]
    private static partial Regex Row();
}
