using Woodpecker.Protocol.Control;
using Woodpecker.Services;

namespace Woodpecker.Reader.Http;

/// <summary>The parameters of <c>GET /logs/{name}/entries</c>, within their limits.</summary>
/// <param name="From">First offset.</param>
/// <param name="Limit">Most entries.</param>
/// <param name="MaxBytes">Most bytes of entries.</param>
/// <param name="Wait">How long to wait for the first entry.</param>
/// <param name="AsText">Whether payloads that are valid UTF-8 are shown as text.</param>
internal readonly record struct ReadQuery(Offset From, int Limit, int MaxBytes, TimeSpan Wait, bool AsText)
{
    private const int DefaultLimit = 1_000;

    /// <summary>
    /// Reads and checks the parameters; an unknown one is refused, since a misspelt bound would be silently none.
    /// </summary>
    /// <exception cref="WoodpeckerException">Invalid, naming the parameter and its bounds.</exception>
    public static ReadQuery Parse(IQueryCollection query, TimeSpan maxWait)
    {
        var parsed = new ReadQuery(Offset.Zero, DefaultLimit, Limits.DefaultMaxReadBytes, TimeSpan.Zero, AsText: false);
        foreach (var (name, values) in query)
        {
            var text = values.Count == 1
                ? values[0] ?? ""
                : throw Problems.Invalid($"'{name}' is given {values.Count} times.");
            parsed = name switch
            {
                "from" => parsed with { From = new Offset(Number(name, text, 0, Limits.MaxOffset)) },
                "limit" => parsed with { Limit = (int)Number(name, text, 1, Limits.MaxReadEntries) },
                "maxBytes" => parsed with { MaxBytes = (int)Number(name, text, 1, Limits.MaxReadBytes) },
                "wait" => parsed with { Wait = Duration(text, maxWait) },
                "format" => parsed with { AsText = IsText(text) },
                _ => throw Problems.Invalid(
                    $"'{name}' is not a parameter; known are from, limit, maxBytes, wait and format."),
            };
        }

        return parsed;
    }

    private static ulong Number(string name, string text, ulong least, ulong most) =>
        Problems.TryParseNumber(text, most, out var value) && value >= least
            ? value
            : throw Problems.Invalid($"'{name}' is '{text}'; it must be a number from {least} to {most}.");

    private static TimeSpan Duration(string text, TimeSpan most)
    {
        var isMilliseconds = Problems.TryParseNumber(text, int.MaxValue, out var milliseconds);
        var wait = TimeSpan.FromMilliseconds(milliseconds);
        if (!isMilliseconds && !DurationText.TryParse(text, out wait))
            throw Problems.Invalid($"'wait' is '{text}'; write for example 500ms or 5s.");
        return wait <= most
            ? wait
            : throw Problems.Invalid($"'wait' is '{text}'; it is at most {DurationText.Format(most)}.");
    }

    private static bool IsText(string text) => text switch
    {
        "text" => true,
        "base64" => false,
        _ => throw Problems.Invalid($"'format' is '{text}'; it must be base64 or text."),
    };
}
