using System.Diagnostics;
using System.Reflection;

namespace Woodpecker.Hosting.Tests.Dapr;

/// <summary>A program that takes daprd's flags.</summary>
internal sealed record SidecarBinary(string Command, string[] Prefix, bool IsReal)
{
    private static readonly Version Oldest = new(1, 17);
    private static readonly Lazy<(SidecarBinary? Binary, string Reason)> Real = new(FindReal);

    public static SidecarBinary Embedded { get; } = new(
        "dotnet",
        ["exec", Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "EmbeddedSidecar").Value!],
        IsReal: false);

    /// <summary>daprd on PATH; skips the asking test without it, or fails it where the environment demands daprd.</summary>
    public static SidecarBinary RealOrSkip()
    {
        var (binary, reason) = Real.Value;
        if (binary is not null)
        {
            return binary;
        }

        var demanded = Environment.GetEnvironmentVariable("WOODPECKER_REQUIRE_REAL") ?? "";
        Assert.False(demanded.Split(',', ' ').Contains("daprd"), $"WOODPECKER_REQUIRE_REAL names daprd, but {reason}");
        Assert.Skip(reason);
        return null!;
    }

    private static (SidecarBinary?, string) FindReal()
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, "daprd")).FirstOrDefault(File.Exists);
        if (path is null)
        {
            return (null, "daprd is not on PATH");
        }

        using var process = Process.Start(new ProcessStartInfo(path, "--version") { RedirectStandardOutput = true })!;
        var text = process.StandardOutput.ReadToEnd().Trim().TrimStart('v');
        return Version.TryParse(text.Split('-', ' ')[0], out var version) && version >= Oldest
            ? (new SidecarBinary(path, [], IsReal: true), "")
            : (null, $"daprd on PATH is '{text}', older than {Oldest}");
    }
}
