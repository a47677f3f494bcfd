using System.Text;
using CsCheck;
using Woodpecker.Tool.Input;

namespace Woodpecker.Services.Tests.Tool;

public sealed class EntryInputTests
{
    [Theory]
    [InlineData("", new string[0])]
    [InlineData("a", new[] { "a" })]
    [InlineData("a\n", new[] { "a" })]
    [InlineData("a\nb", new[] { "a", "b" })]
    [InlineData("a\r\nb\r\n", new[] { "a", "b" })]
    [InlineData("\n\n", new[] { "", "" })]
    [InlineData("a\rb\n", new[] { "a\rb" })]
    public async Task Lines_AreCutAtTheirEnds(string text, string[] expected) =>
        Assert.Equal(expected, await LinesAsync(new MemoryStream(Encoding.UTF8.GetBytes(text))));

    [Fact]
    public async Task Lines_DoNotDependOnHowTheStreamComes()
    {
        await Gen.Select(Gen.String[Gen.Char["ab\r\n"], 0, 200], Gen.Int[1, 20]).SampleAsync(async (text, size) =>
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            var whole = await LinesAsync(new MemoryStream(bytes));
            Assert.Equal(whole, await LinesAsync(new DripStream(bytes, size)));
        });
    }

    [Fact]
    public async Task ALineOverTheLimit_IsRefused_WithoutReadingOn()
    {
        var error = await Assert.ThrowsAsync<WoodpeckerException>(
            () => LinesAsync(new MemoryStream(new byte[10_000_000])));

        Assert.Equal(ErrorKind.Invalid, error.Kind);
    }

    [Fact]
    public async Task Chunks_AreTheBytesOfTheStream_AllOfOneSizeButTheLast()
    {
        var inputs = Gen.Select(Gen.Byte.Array[0, 300], Gen.Int[1, 64], Gen.Int[1, 20]);
        await inputs.SampleAsync(async (bytes, size, drip) =>
        {
            var chunks = new List<byte[]>();
            await foreach (var chunk in EntryInput.ChunksAsync(new DripStream(bytes, drip), size, default))
                chunks.Add(chunk.ToArray());

            Assert.Equal(bytes, chunks.SelectMany(static chunk => chunk));
            Assert.All(chunks.SkipLast(1), chunk => Assert.Equal(size, chunk.Length));
        });
    }

    [Theory]
    [InlineData("512", 512)]
    [InlineData("64KiB", 65_536)]
    [InlineData("64 KiB", 65_536)]
    [InlineData("1m", 1_048_576)]
    [InlineData("10MB", 10_000_000)]
    [InlineData("0B", 0)]
    public void ASize_IsDigitsAndAUnit(string text, long bytes)
    {
        Assert.True(SizeText.TryParse(text, out var parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("KiB")]
    [InlineData("-1")]
    [InlineData("1.5MB")]
    [InlineData("99999999999GiB")]
    public void NoSize_IsRefused(string text) => Assert.False(SizeText.TryParse(text, out _));

    private static async Task<List<string>> LinesAsync(Stream stream)
    {
        var lines = new List<string>();
        await foreach (var line in EntryInput.LinesAsync(stream, 1 << 20, default))
            lines.Add(Encoding.UTF8.GetString(line.Span));
        return lines;
    }

    /// <summary>A stream that gives few bytes at a time, as pipes do.</summary>
    private sealed class DripStream(byte[] bytes, int size) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(size, buffer.Length)], cancellationToken);
    }
}
