using System.Diagnostics.CodeAnalysis;

namespace Woodpecker.Metadata.Etcd;

/// <summary>Where etcd answers, parsed from <c>http://host:port[,http://host:port...][;prefix=team/]</c>.</summary>
public sealed class EtcdConnectionString
{
    private const int MaxEndpoints = 16;
    private const string PrefixOption = "prefix=";

    private EtcdConnectionString(IReadOnlyList<Uri> endpoints, string prefix)
    {
        Endpoints = endpoints;
        Prefix = prefix;
    }

    /// <summary>The members of the cluster that are dialled, in the given order.</summary>
    public IReadOnlyList<Uri> Endpoints { get; }

    /// <summary>Put before every key, so that several clusters can share one etcd; empty or ending in '/'.</summary>
    public string Prefix { get; }

    /// <summary>Parses the text.</summary>
    /// <exception cref="ArgumentException">One sentence that says what is wrong with it.</exception>
    public static EtcdConnectionString Parse(string? text) =>
        TryParse(text, out var result, out var problem) ? result : throw new ArgumentException(problem, nameof(text));

    /// <summary>Parses the text; on failure <paramref name="problem"/> is one sentence for the operator.</summary>
    public static bool TryParse(
        string? text, [NotNullWhen(true)] out EtcdConnectionString? result, [NotNullWhen(false)] out string? problem)
    {
        result = null;
        if (string.IsNullOrWhiteSpace(text))
        {
            problem = "ConnectionStrings:metadata is missing: give the address of etcd, for example http://127.0.0.1:2379.";
            return false;
        }

        var parts = text.Split(';', 2, StringSplitOptions.TrimEntries);
        problem = ReadPrefix(parts.Length == 2 ? parts[1] : PrefixOption, out var prefix);
        if (problem is not null)
            return false;

        var endpoints = new List<Uri>();
        foreach (var address in parts[0].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            problem = ReadEndpoint(address, out var endpoint);
            if (problem is not null)
                return false;
            endpoints.Add(endpoint!);
        }

        if (endpoints.Count is 0 or > MaxEndpoints)
        {
            problem = $"ConnectionStrings:metadata names {endpoints.Count} etcd addresses; give 1 to {MaxEndpoints}.";
            return false;
        }

        result = new EtcdConnectionString(endpoints, prefix);
        problem = null;
        return true;
    }

    private static string? ReadPrefix(string option, out string prefix)
    {
        prefix = "";
        if (!option.StartsWith(PrefixOption, StringComparison.Ordinal))
            return $"ConnectionStrings:metadata has the unknown option '{option}'; only ';prefix=name/' is known.";
        prefix = option[PrefixOption.Length..];
        return prefix.Length == 0 || (prefix.EndsWith('/') && prefix.Length <= 256)
            ? null
            : $"The prefix '{prefix}' in ConnectionStrings:metadata must end in '/' and have at most 256 characters.";
    }

    private static string? ReadEndpoint(string address, out Uri? endpoint)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out endpoint) || endpoint.Host.Length == 0)
            return $"'{address}' in ConnectionStrings:metadata is not an address of etcd; write http://host:port.";
        if (endpoint.Scheme == Uri.UriSchemeHttps)
            return $"'{endpoint.Scheme}://{endpoint.Authority}' in ConnectionStrings:metadata asks for TLS, which this "
                + "store does not speak; put a TLS proxy on this host and give its http address.";
        if (endpoint.Scheme != Uri.UriSchemeHttp)
            return $"'{address}' in ConnectionStrings:metadata is not an address of etcd; write http://host:port.";
        if (endpoint.UserInfo.Length > 0)
            return "ConnectionStrings:metadata holds a user name, which this store does not send; remove it.";
        if (endpoint.AbsolutePath != "/" || endpoint.Query.Length > 0)
            return $"'{address}' in ConnectionStrings:metadata has a path; write http://host:port.";
        // Uri cannot tell "no port" from ":80"; etcd never listens on 80 by habit, a forgotten port is the likelier case.
        return endpoint.IsDefaultPort && !address.TrimEnd('/').EndsWith(":80", StringComparison.Ordinal)
            ? $"'{address}' in ConnectionStrings:metadata has no port; etcd usually listens on 2379."
            : null;
    }
}
