using System.CommandLine;
using System.Globalization;
using Woodpecker.Protocol.Control;
using Woodpecker.Tool.Input;

namespace Woodpecker.Tool.Commands;

/// <summary>Options every command has, and the makers of typed ones.</summary>
internal static class CommonOptions
{
    public static readonly Option<string?> Endpoint = new("--endpoint")
    {
        Description =
            "endpoints.json of a running application host, or the folder of its data; else WOODPECKER_ENDPOINTS, "
            + "else .woodpecker at or above the current folder.",
        Recursive = true,
        HelpName = "PATH",
    };

    public static readonly Option<TimeSpan> Timeout = Recursive(Duration(
        "--timeout", "How long to try while nobody answers.", TimeSpan.FromSeconds(30)));

    public static readonly Option<string> Output = OutputOption();

    public static bool IsJson(ParseResult result) => result.GetValue(Output) == "json";

    /// <summary>Why an operator decides something, and who does; both go into the audit records.</summary>
    public static (Option<string?> Reason, Option<string> By) Decision() =>
    (
        new Option<string?>("--reason") { Description = "Why; kept for ever.", HelpName = "TEXT" },
        new Option<string>("--by")
        {
            Description = "Who decides; kept for ever.",
            HelpName = "NAME",
            DefaultValueFactory = static _ => $"{Environment.UserName}@{Environment.MachineName}",
        });

    /// <summary>An option for a duration such as 250ms, 10s, 5m, 2h or 7d.</summary>
    public static Option<TimeSpan> Duration(string name, string description, TimeSpan otherwise) => new(name)
    {
        Description = description,
        HelpName = "DURATION",
        DefaultValueFactory = _ => otherwise,
        CustomParser = result => ParseDuration(result) ?? default,
    };

    /// <summary>An optional duration.</summary>
    public static Option<TimeSpan?> OptionalDuration(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "DURATION",
        CustomParser = ParseDuration,
    };

    /// <summary>An option for a size such as 512, 64KiB or 10MB.</summary>
    public static Option<long> Size(string name, string description, long otherwise) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        DefaultValueFactory = _ => otherwise,
        CustomParser = result => ParseSize(result) ?? 0,
    };

    /// <summary>An optional size.</summary>
    public static Option<long?> OptionalSize(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = ParseSize,
    };

    /// <summary>An option for a number from 0 to a limit, in digits.</summary>
    public static Option<ulong> Number(string name, string description, string helpName, ulong most) => new(name)
    {
        Description = description,
        HelpName = helpName,
        DefaultValueFactory = static _ => 0,
        CustomParser = result => ParseNumber(result, name, most),
    };

    /// <summary>An argument that is such a number.</summary>
    public static Argument<ulong> NumberArgument(string name, string description, ulong most) => new(name)
    {
        Description = description,
        CustomParser = result => ParseNumber(result, name, most),
    };

    /// <summary>The log's name, checked.</summary>
    public static Argument<string> LogArgument()
    {
        var argument = new Argument<string>("LOG") { Description = "Name of the log: a-z, 0-9, '.', '_' and '-'." };
        argument.Validators.Add(static result =>
        {
            if (result.Tokens is [var token] && !LogName.IsValid(token.Value, out var problem))
                result.AddError(problem);
        });
        return argument;
    }

    private static ulong ParseNumber(System.CommandLine.Parsing.ArgumentResult result, string name, ulong most)
    {
        var text = result.Tokens[0].Value;
        if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value <= most)
            return value;
        result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} is '{text}'; it must be a number from 0 to {most}."));
        return 0;
    }

    private static TimeSpan? ParseDuration(System.CommandLine.Parsing.ArgumentResult result)
    {
        if (DurationText.TryParse(result.Tokens[0].Value, out var duration))
            return duration;
        result.AddError($"'{result.Tokens[0].Value}' is not a duration; write for example 250ms, 10s, 5m, 2h or 7d.");
        return null;
    }

    private static long? ParseSize(System.CommandLine.Parsing.ArgumentResult result)
    {
        if (SizeText.TryParse(result.Tokens[0].Value, out var bytes))
            return bytes;
        result.AddError($"'{result.Tokens[0].Value}' is not a size; write for example 512, 64KiB or 10MB.");
        return null;
    }

    private static Option<TimeSpan> Recursive(Option<TimeSpan> option)
    {
        option.Recursive = true;
        return option;
    }

    private static Option<string> OutputOption()
    {
        var option = new Option<string>("--output", "-o")
        {
            Description = "Form of the output.",
            Recursive = true,
            DefaultValueFactory = static _ => "table",
        };
        return option.AcceptOnlyFromAmong("table", "json");
    }
}
