using System.Globalization;

namespace Woodpecker.Fuzz;

/// <summary>The command line.</summary>
internal sealed record Options
{
    public const string Usage =
        """
        Woodpecker.Fuzz [--seconds N | --minutes N] [--target NAME] [--seed N] [--keep] [--corpus DIR] [--crashes DIR]
        Woodpecker.Fuzz --target NAME --replay FILE
          --seconds, --minutes  time for all targets together; default 25 s
          --keep                adds inputs that reach something new to the corpus
          --corpus              default tests/Woodpecker.Fuzz/corpus below the present folder
          --crashes             where failing inputs go; default TestResults/fuzz below the present folder
        """;

    public bool IsInstrumented { get; private init; }

    public TimeSpan Time { get; private init; } = TimeSpan.FromSeconds(25);

    public string? Target { get; private init; }

    public string? Replay { get; private init; }

    public int Seed { get; private init; } = Environment.TickCount;

    public bool Keeps { get; private init; }

    public string Corpus { get; private init; } = Path.Combine("tests", "Woodpecker.Fuzz", "corpus");

    public string Crashes { get; private init; } = Path.Combine("TestResults", "fuzz");

    /// <summary>Null if the arguments make no sense.</summary>
    public static Options? Parse(string[] args)
    {
        var options = new Options();
        for (var i = 0; i < args.Length; i++)
        {
            var value = i + 1 < args.Length ? args[i + 1] : "";
            if (args[i] is "--instrumented" or "--keep")
            {
                options = args[i] == "--keep" ? options with { Keeps = true } : options with { IsInstrumented = true };
                continue;
            }

            var number = double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed) ? parsed : -1;
            var next = args[i] switch
            {
                "--seconds" when number > 0 => options with { Time = TimeSpan.FromSeconds(number) },
                "--minutes" when number > 0 => options with { Time = TimeSpan.FromMinutes(number) },
                "--seed" when number >= 0 => options with { Seed = (int)number },
                "--target" when value.Length > 0 => options with { Target = value },
                "--replay" when value.Length > 0 => options with { Replay = value },
                "--corpus" when value.Length > 0 => options with { Corpus = value },
                "--crashes" when value.Length > 0 => options with { Crashes = value },
                _ => null,
            };
            if (next is null)
                return null;
            (options, i) = (next, i + 1);
        }

        return options.Replay is not null && options.Target is null ? null : options;
    }
}
