namespace Woodpecker.AppHost.Plan;

/// <summary>The choices as lines for the console and <c>plan.json</c>. Never a credential.</summary>
internal static class RunSummary
{
    private static readonly string[] SecretWords = ["key", "secret", "password", "token", "credential", "signature"];

    public static IEnumerable<(string Component, string Kind, string Reason)> Lines(RunPlan plan)
    {
        var options = plan.Options;
        yield return ("aspire", HostKind.Name, HostKind.Reason);
        yield return ("metadata", plan.Metadata.Kind, plan.Metadata.Reason + (plan.Metadata.Kind == "external"
            ? $": {WithoutSecrets(options.MetadataConnectionString!)}"
            : $"; data {Path.Combine(plan.Directory.Data, "metadata")}"));
        yield return ("dapr", plan.Dapr.Kind, plan.Dapr.Reason);
        yield return ("objects", plan.Objects.Kind, plan.Objects.Reason + (plan.Objects.Kind == "external"
            ? $": {WithoutSecrets(options.ObjectsConnectionString!)}"
            : $"; data {Path.Combine(plan.Directory.Data, "objects")}"));
        yield return ("profile", options.IsMemoryProfile ? "memory" : "default",
            $"replicas {options.Replicas}, writers {options.Writers}, "
            + $"readers {options.Readers}, journal {options.Journal}, transport {options.Transport}, run {plan.Directory.RunId}");
        foreach (var port in plan.ReplacedPorts)
            yield return ("ports", "replaced", port);
    }

    public static string ObjectsFolder(RunPlan plan) => new Uri(Path.Combine(plan.Directory.Data, "objects"))
        .AbsoluteUri;

    /// <summary>An address without user info and without the values of parameters that sound like secrets.</summary>
    public static string WithoutSecrets(string connectionString)
    {
        if (!Uri.TryCreate(connectionString, UriKind.Absolute, out var uri))
            return "(not shown)"; // Not an address: what parts of it are secret cannot be told.
        var query = uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Select(static pair =>
        {
            var name = pair.Split('=')[0];
            return SecretWords.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase)) ? $"{name}=…"
                : pair;
        }).ToArray();
        var address = $"{uri.Scheme}://{uri.Authority}{uri.AbsolutePath}";
        return query.Length == 0 ? address : $"{address}?{string.Join('&', query)}";
    }
}
