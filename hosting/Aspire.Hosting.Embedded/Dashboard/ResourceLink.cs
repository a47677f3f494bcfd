namespace Aspire.Hosting.Dashboard;

internal sealed record ResourceLink(string? Name, string Url);
