using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Compaction;

/// <summary>Cuts lists of objects into gc records that fit a metadata value.</summary>
internal static class GcRecords
{
    /// <summary>Keys in one record: 30 names of less than 100 bytes stay below a value's limit.</summary>
    public const int MaxObjects = 30;

    /// <summary>Most records of one transaction, which has room for the keys of a merge besides.</summary>
    public const int MaxRecords = 60;

    public static IReadOnlyList<GcValue> Of(IReadOnlyList<string> objects, GcValue template)
    {
        List<GcValue> records = [];
        for (var i = 0; i < objects.Count; i += MaxObjects)
            records.Add(template with { Objects = [.. objects.Skip(i).Take(MaxObjects)] });
        return records;
    }
}
