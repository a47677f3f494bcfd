using Woodpecker.Tool;
using Woodpecker.Tool.Commands;

namespace Woodpecker.Services.Tests.BadInput;

/// <summary>Names and numbers on the command line: refused before anybody is asked, with what was wrong.</summary>
public sealed class CommandLineTests
{
    [Fact]
    public void WrongArguments_AreRefused_WithTheirText()
    {
        // An argument cannot hold a zero byte.
        var names = Bad.Names.Where(static n => !n.Name.Contains('\0', StringComparison.Ordinal) && n.Name[0] != '-').ToList();
        var numbers = Bad.Offsets.Where(static text => text.Length > 0).ToList();
        (string[] Arguments, string Names)[] cases =
        [
            .. names.Select(static n => (new[] { "log", "create", n.Name }, n.Why)),
            .. names.Select(static n => (new[] { "append", n.Name, "text" }, n.Why)),
            .. names.Select(static n => (new[] { "read", n.Name }, n.Why)),
            (["read", ""], "must not be empty"),
            .. numbers.Select(static text => (new[] { "read", "demo", $"--from={text}" }, $"--from is '{text}'")),
            .. numbers.Select(static text => (new[] { "log", "truncate", "demo", "--", text }, $"OFFSET is '{text}'")),
            .. numbers.Where(static text => text != "9223372036854775808" && text != "18446744073709551615")
                .Select(static text => (new[] { "segment", "force-seal", "demo", "--", text }, $"SEGMENT is '{text}'")),
            .. new[] { "-1", "4294967296", "1e9", "NaN" }
                .Select(static text => (new[] { "append", "demo", "x", $"--producer-epoch={text}" }, text)),
            (["append", "demo", "x", "--producer-id=x"], "x"),
            .. new[] { "5", "-1s", "1e9s", "NaN", "36501d", "9223372036854775808s" }
                .Select(static text => (new[] { "read", "demo", $"--timeout={text}" }, $"'{text}' is not a duration")),
            .. new[] { "-1", "1e9", "NaN", "9223372036854775808", "16777216TiB", "64QiB" }
                .Select(static text => (new[] { "append", "demo", "--raw", $"--chunk-size={text}" }, $"'{text}' is not a size")),
            (["read", "demo", "--limit=9223372036854775808"], "9223372036854775808"),
            (["read", "demo", "--output=xml"], "xml"),
            (["log", "create", "demo", "--mode=both"], "both"),
            (["node", "drain", ""], "'' is no node"),
            (["node", "drain", "../x"], "'../x' is no node"),
            (["node", "resume", "REPLICA-1"], "'REPLICA-1' is no node"),
            (["read", "demo", "--form=5"], "--form"),
            (["sing"], "sing"),
        ];
        var failures = new List<string>();
        foreach (var (arguments, sentence) in cases)
        {
            var errors = WpCommand.Create().Parse(arguments).Errors;
            if (!errors.Any(error => error.Message.Contains(sentence, StringComparison.Ordinal)))
                failures.Add($"{string.Join(' ', arguments)}: {string.Join("; ", errors.Select(static error => error.Message))}");
        }

        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
        Assert.Empty(WpCommand.Create().Parse(["read", "demo", "--from=007", "--timeout=5s"]).Errors);
        Assert.Equal(2, ExitCode.Of(ErrorKind.Invalid));
    }
}
