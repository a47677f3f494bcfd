namespace Woodpecker.AppHost.Plan;

/// <summary>
/// Which kind of a component was taken, and why. <see cref="Program"/>: the program to start, for a process.
/// </summary>
internal sealed record Choice(string Kind, string Reason, string? Program = null);
