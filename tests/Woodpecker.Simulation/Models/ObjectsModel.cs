using Woodpecker.Simulation.Engine;

namespace Woodpecker.Simulation.Models;

/// <summary>An object of the bucket.</summary>
internal sealed record StoredObject(byte[] Bytes, uint Crc32C, DateTimeOffset Time);

/// <summary>The bucket: a linearizable map with put-if-absent. What was deleted is remembered for the audit.</summary>
internal sealed class ObjectsModel(Simulator sim)
{
    private static readonly DateTimeOffset _epoch = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public SortedDictionary<string, StoredObject> Objects { get; } = new(StringComparer.Ordinal);

    public bool IsDown { get; set; }

    /// <summary>Called before an object is deleted.</summary>
    public Action<string, string>? OnDelete { get; set; }

    /// <summary>Objects whose bytes were changed at rest.</summary>
    public HashSet<string> Damaged { get; } = new(StringComparer.Ordinal);

    /// <summary>Called after an object was stored.</summary>
    public Action<string, byte[]>? OnPut { get; set; }

    public bool PutIfAbsent(string key, byte[] bytes, uint crc, string by)
    {
        var isNew = Objects.TryAdd(key, new StoredObject(bytes, crc, _epoch + sim.Elapsed));
        if (!key.Contains("probe", StringComparison.Ordinal))
            sim.Trace.Add("objects", isNew ? "put" : "exists", $"{key} {bytes.Length} bytes by {by}");
        if (isNew)
            OnPut?.Invoke(key, bytes);
        return isNew;
    }

    public void Delete(string key, string by)
    {
        if (!Objects.ContainsKey(key))
            return;
        OnDelete?.Invoke(key, by);
        Objects.Remove(key);
        if (!key.Contains("probe", StringComparison.Ordinal))
            sim.Trace.Add("objects", "delete", $"{key} by {by}");
    }
}
