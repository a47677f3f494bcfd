using Aspire.Hosting.Diagnostics;
using Aspire.Hosting.Processes;
using Microsoft.Extensions.DependencyInjection;

namespace Woodpecker.Hosting.Tests.Aspire.Embedded;

public sealed class LogTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("\e[31mred\e[0m", "red")]
    [InlineData("tab\tstays", "tab\tstays")]
    [InlineData("bell\a and null\0", "bell and null")]
    [InlineData("cut \e[3", "cut ")]
    [InlineData("end \e", "end ")]
    [InlineData("\e(Bcharset", "Bcharset")]
    public void EscapeCodes_AreRemoved(string text, string clean) => Assert.Equal(clean, AnsiText.Strip(text));

    [Fact]
    public async Task Line_WithoutEnd_IsCut()
    {
        var lines = new List<string>();
        await LineReader.ReadAsync(new StringReader(new string('z', 100_000) + "\r\nnext"), lines.Add);

        Assert.All(lines, line => Assert.True(line.Length <= 16 * 1024));
        Assert.Equal(100_000, lines.Sum(l => l.Count(c => c == 'z')));
        Assert.Equal("next", lines[^1]);
    }

    [Fact]
    public void Log_KeepsTheLastLines()
    {
        var log = new ResourceLog();
        for (var i = 0; i < ResourceLog.Capacity + 10; i++)
            log.Append($"{i}", isErrorMessage: false);

        var kept = log.Tail();

        Assert.Equal(ResourceLog.Capacity, kept.Count);
        Assert.Equal(("10", 11), (kept[0].Content, kept[0].LineNumber));
    }

    [Fact]
    public async Task Watcher_GetsTheBacklog_ThenWhatIsNew_InOrder()
    {
        using var builder = TestApplication.Create();
        builder.AddScript("one", "echo 1; echo 2 >&2; sleep 0.2; echo 3; sleep 60");
        await using var app = await builder.StartAsync();
        var seen = new List<LogLine>();
        await foreach (var batch in app.Services.GetRequiredService<ResourceLoggerService>().WatchAsync("one")
            .WithCancellation(TestApplication.Soon))
        {
            seen.AddRange(batch);
            if (seen.Exists(l => l.Content == "3"))
                break;
        }

        Assert.Equal(["1", "2", "3"], seen.Select(l => l.Content).Order());
        Assert.True(seen.Single(l => l.Content == "2").IsErrorMessage);
        Assert.Equal(Enumerable.Range(1, 3), seen.Select(l => l.LineNumber));
    }
}
