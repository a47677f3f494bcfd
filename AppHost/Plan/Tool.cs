namespace Woodpecker.AppHost.Plan;

/// <summary>A program on this machine that answered <c>--version</c>.</summary>
internal sealed record Tool(string Path, Version Version);
