using System.Diagnostics.CodeAnalysis;

namespace Woodpecker;

/// <summary>A log's public name: 1-200 characters of <c>a-z 0-9 . _ -</c>, a letter or digit first, no "..", no reserved device name.</summary>
public static class LogName
{
    /// <summary>Longest legal name, in characters.</summary>
    public const int MaxLength = 200;

    private static readonly HashSet<string> _reserved = new(StringComparer.Ordinal)
    {
        "con", "prn", "aux", "nul",
        "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
        "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
    };

    /// <summary>Whether <paramref name="name"/> is legal; if not, <paramref name="problem"/> is a sentence for the caller.</summary>
    public static bool IsValid([NotNullWhen(true)] string? name, [NotNullWhen(false)] out string? problem)
    {
        problem = Check(name);
        return problem is null;
    }

    private static string? Check(string? name)
    {
        if (string.IsNullOrEmpty(name))
            return "A log name must not be empty.";
        if (name.Length > MaxLength)
            return $"A log name has at most {MaxLength} characters; this one has {name.Length}.";
        if (name[0] is not ((>= 'a' and <= 'z') or (>= '0' and <= '9')))
            return "A log name starts with a lower-case letter or a digit.";
        foreach (var c in name)
        {
            if (c is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '.' or '_' or '-'))
                return "A log name has only lower-case letters, digits, '.', '_' and '-'.";
        }

        if (name.Contains("..", StringComparison.Ordinal))
            return "A log name must not contain '..'.";
        var stem = name.Split('.')[0];
        return _reserved.Contains(stem) ? $"'{stem}' is a reserved device name and cannot be a log name." : null;
    }
}
