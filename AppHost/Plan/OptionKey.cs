namespace Woodpecker.AppHost.Plan;

/// <summary>One option below <c>Woodpecker:</c>.</summary>
internal sealed record OptionKey(string Name, string Default, string Meaning);
