using System.Collections.Concurrent;

namespace Dapr.Sidecar.Embedded.Api;

/// <summary>What the health and metadata routes report.</summary>
internal sealed class SidecarState
{
    public const string RuntimeVersion = "1.18.0-embedded";
    private const int MaxExtended = 256;

    private volatile bool _listening;
    private volatile bool _appListens;

    /// <summary>The own listeners are up and the name is registered.</summary>
    public bool Listening => _listening;

    /// <summary>The application's port has accepted once, or there is no application.</summary>
    public bool AppListens => _appListens;

    public ConcurrentDictionary<string, string> Extended { get; } = new(StringComparer.Ordinal);

    public void SetListening() => _listening = true;

    public void SetAppListens() => _appListens = true;

    /// <summary>False when there are too many values already.</summary>
    public bool SetExtended(string key, string value)
    {
        if (Extended.Count >= MaxExtended && !Extended.ContainsKey(key))
        {
            return false;
        }

        Extended[key] = value;
        return true;
    }
}
