using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Woodpecker.Protocol.Control;
using Woodpecker.Services.Tests.Client;
using Woodpecker.Services.Tests.Reader;
using Woodpecker.Services.Tests.Writer;

namespace Woodpecker.Services.Tests.Tool;

/// <summary>The tool as a process: arguments, streams and exit codes.</summary>
public sealed class WpProcessTests : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);
    private readonly string _folder = Directory.CreateTempSubdirectory("wp-tool-").FullName;

    [Fact]
    public async Task Append_TakesLinesOfStandardInput_AndTellsTheOffsets()
    {
        var writer = new FaultyWriter(static _ => Fault.None);
        await using var host = await StartWriterAsync(writer);

        var run = await RunAsync(host.Address, null, "one\ntwo\nthree\n", "append", "demo");

        Assert.Equal((0, "created log demo (QuorumBuffer)\n"), (run.Code, run.Error));
        Assert.StartsWith(
            "appended 3 entries (11 bytes) to demo at offsets 0..2", run.Output, StringComparison.Ordinal);
        Assert.Equal(["one", "two", "three"], writer.Entries.Select(Encoding.UTF8.GetString));
    }

    [Fact] // P1
    public async Task Append_OfAFile_IsExact_AlthoughStreamsBreak()
    {
        var random = new Random(3);
        var writer = new FaultyWriter(request => request % 3 == 1 && request < 30 ? Fault.BreakAfter : Fault.None);
        await using var host = await StartWriterAsync(writer);
        var content = new byte[1_500_000];
        random.NextBytes(content);
        var file = Path.Combine(_folder, "input.bin");
        await File.WriteAllBytesAsync(file, content);

        var run = await RunAsync(
            host.Address, null, "", "append", "demo", "--raw", "--chunk-size", "10000B", "--file", file, "-o", "json");

        Assert.Equal(0, run.Code);
        Assert.Equal(150, JsonDocument.Parse(run.Output).RootElement.GetProperty("entries").GetInt32());
        Assert.Equal(content, writer.Entries.SelectMany(static entry => entry));
    }

    [Fact]
    public async Task Read_WritesPayloadsAsLines_RawBytes_OrDocuments()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.OpenAsync(0, 0, 12, 11);

        var lines = await RunAsync(null, host.Address, "", "read", "demo", "--from", "8");
        var raw = await RunAsync(null, host.Address, "", "read", "demo", "--raw");
        var json = await RunAsync(null, host.Address, "", "read", "demo", "--limit", "1", "-o", "json");

        Assert.Equal((0, "8\n9\n10\n11\n"), (lines.Code, lines.Output));
        Assert.Equal("01234567891011", raw.Output);
        Assert.Equal("0", JsonSerializer.Deserialize(json.Output, ControlJson.Default.EntryBody)!.Text);
    }

    [Fact]
    public async Task Describe_ShowsTheLog()
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.OpenAsync(0, 0, 12, 11);

        var run = await RunAsync(null, host.Address, "", "log", "describe", "demo", "-o", "json");

        Assert.Equal(0, run.Code);
        Assert.Equal(12UL, JsonSerializer.Deserialize(run.Output, ControlJson.Default.LogDescription)!.NextOffset);
    }

    [Theory]
    [InlineData(2, "read")]
    [InlineData(2, "read", "Not A Name")]
    [InlineData(2, "append", "demo", "--chunk-size", "much", "--raw")]
    [InlineData(4, "read", "other")]
    [InlineData(7, "read", "demo", "--from", "1")]
    public async Task AFailure_HasItsExitCode_AndASentence(int code, params string[] arguments)
    {
        await using var host = await ReaderHost.StartAsync();
        await host.Log.OpenAsync(0, 0, 12, 11);
        await host.Log.TruncateAsync(2);

        var run = await RunAsync(null, host.Address, "", arguments);

        Assert.Equal(code, run.Code);
        Assert.NotEmpty(run.Error);
    }

    [Fact] // W7: where no connection came about, nothing was sent
    public async Task WithoutAService_TheAnswerIsThree_AndNothingWasAppended()
    {
        var run = await RunAsync(null, null, "", "append", "demo", "text", "--no-create", "--timeout", "500ms");

        Assert.Equal(3, run.Code);
    }

    [Fact]
    public async Task Node_ListsDrainsAndResumes_WithExitCodes()
    {
        await using var cluster = await WriterCluster.StartAsync();
        var writer = await cluster.StartWriterAsync("writer-1");

        var list = await RunAsync(writer.Address, null, "", "node", "list", "-o", "json");
        var unknown = await RunAsync(writer.Address, null, "", "node", "drain", "replica-9");
        var drained = await RunAsync(writer.Address, null, "", "node", "drain", "replica-2");
        var refused = await RunAsync(writer.Address, null, "", "node", "drain", "replica-3");
        var resumed = await RunAsync(writer.Address, null, "", "node", "resume", "replica-2");

        Assert.Equal(3, JsonSerializer.Deserialize(list.Output, ControlJson.Default.NodeList)!.Nodes.Count);
        Assert.Equal((4, 0, 5, 0), (unknown.Code, drained.Code, refused.Code, resumed.Code));
        Assert.Contains("wp node list", unknown.Error, StringComparison.Ordinal);
        Assert.Contains("warning", drained.Error, StringComparison.Ordinal);
        Assert.Contains("replica-3 cannot be drained", refused.Error, StringComparison.Ordinal);
        Assert.StartsWith("replica-2: Active", resumed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutAHost_TheAnswerIsThree_WithWhatToDo()
    {
        var run = await StartAsync("", _folder, "log", "list");

        Assert.Equal(3, run.Code);
        Assert.Contains("AppHost", run.Error, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Task<InProcessHost> StartWriterAsync(FaultyWriter writer) => InProcessHost.StartAsync(
        services => services.AddSingleton(writer),
        static app =>
        {
            app.MapGrpcService<FaultyWriter>();
            app.MapPut("/logs/{name}", static (string name) => Results.Json(
                new LogDescription { Name = name, Mode = "QuorumBuffer", State = "Live" },
                ControlJson.Default.LogDescription,
                statusCode: StatusCodes.Status201Created));
        });

    private async Task<Run> RunAsync(Uri? writer, Uri? reader, string input, params string[] arguments)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, ".woodpecker", "run")).FullName;
        var nowhere = new Uri("http://127.0.0.1:1");
        var endpoints = new
        {
            transport = "Direct",
            services = new Dictionary<string, object>
            {
                ["writer-1"] = new { kind = "writer", app = writer ?? reader ?? nowhere },
                ["reader"] = new { kind = "reader", app = reader ?? nowhere },
            },
        };
        await File.WriteAllTextAsync(Path.Combine(folder, "endpoints.json"), JsonSerializer.Serialize(endpoints));
        return await StartAsync(input, _folder, arguments);
    }

    private static async Task<Run> StartAsync(string input, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("exec");
        start.ArgumentList.Add(ToolPath());
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment.Remove("WOODPECKER_ENDPOINTS");
        start.Environment.Remove("DAPR_GRPC_ENDPOINT");
        start.Environment.Remove("DAPR_GRPC_PORT");
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(_limit);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(limit.Token);
            return new Run(process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    // The tool from its own output folder, as it ships: .../tests/<project>/bin/<configuration>/<framework> is where we
    // are.
    private static string ToolPath()
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var configuration = output.Parent!;
        var root = configuration.Parent!.Parent!.Parent!.Parent!;
        return Path.Combine(root.FullName, "tools", "wp", "bin", configuration.Name, output.Name, "wp.dll");
    }

    private sealed record Run(int Code, string Output, string Error);
}
