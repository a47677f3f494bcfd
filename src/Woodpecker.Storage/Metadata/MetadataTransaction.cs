namespace Woodpecker.Storage.Metadata;

/// <summary>
/// Compares and writes that happen together or not at all. Built once, may be sent again unchanged (X6).
/// At most 128 compares and 128 writes; no key may be written twice.
/// </summary>
public sealed class MetadataTransaction
{
    private readonly List<MetadataCompare> _compares = [];
    private readonly List<MetadataWrite> _writes = [];

    /// <summary>What must hold.</summary>
    public IReadOnlyList<MetadataCompare> Compares => _compares;

    /// <summary>What is written.</summary>
    public IReadOnlyList<MetadataWrite> Writes => _writes;

    /// <summary>The same transaction with one more compare; this one stays as it is.</summary>
    internal MetadataTransaction AndModRevision(string key, long revision)
    {
        var more = new MetadataTransaction();
        more._compares.AddRange(_compares);
        more._writes.AddRange(_writes);
        return more.WhenModRevision(key, revision);
    }

    /// <summary>The key's mod_revision must equal; 0 means "absent".</summary>
    public MetadataTransaction WhenModRevision(string key, long revision)
    {
        _compares.Add(new MetadataCompare(key, MetadataCompareTarget.ModRevision, revision, IsEqual: true));
        return this;
    }

    /// <summary>The key's create_revision must equal; 0 means "absent".</summary>
    public MetadataTransaction WhenCreateRevision(string key, long revision)
    {
        _compares.Add(new MetadataCompare(key, MetadataCompareTarget.CreateRevision, revision, IsEqual: true));
        return this;
    }

    /// <summary>The key's create_revision must differ, for example because its lease ended.</summary>
    public MetadataTransaction WhenCreateRevisionIsNot(string key, long revision)
    {
        _compares.Add(new MetadataCompare(key, MetadataCompareTarget.CreateRevision, revision, IsEqual: false));
        return this;
    }

    /// <summary>The key must not exist.</summary>
    public MetadataTransaction WhenAbsent(string key) => WhenCreateRevision(key, 0);

    /// <summary>The key must exist.</summary>
    public MetadataTransaction WhenPresent(string key) => WhenCreateRevisionIsNot(key, 0);

    /// <summary>Writes the key; without a lease any earlier lease is detached.</summary>
    public MetadataTransaction Put(string key, ReadOnlyMemory<byte> value, long leaseId = 0)
    {
        _writes.Add(new MetadataWrite(key, value, IsDelete: false, leaseId));
        return this;
    }

    /// <summary>Deletes the key; deleting an absent one is no change.</summary>
    public MetadataTransaction Delete(string key)
    {
        _writes.Add(new MetadataWrite(key, default, IsDelete: true, LeaseId: 0));
        return this;
    }
}

/// <summary>What of a key is compared.</summary>
public enum MetadataCompareTarget
{
    /// <summary>Revision of the last write; 0 if absent.</summary>
    ModRevision,

    /// <summary>Revision of the creation; 0 if absent.</summary>
    CreateRevision,
}

/// <summary>One condition of a transaction.</summary>
/// <param name="Key">The key.</param>
/// <param name="Target">What of it.</param>
/// <param name="Revision">The number compared with.</param>
/// <param name="IsEqual">Whether it must equal (true) or differ (false).</param>
public readonly record struct MetadataCompare(string Key, MetadataCompareTarget Target, long Revision, bool IsEqual);

/// <summary>One write of a transaction.</summary>
/// <param name="Key">The key.</param>
/// <param name="Value">The value; ignored for a delete.</param>
/// <param name="IsDelete">Whether the key is deleted.</param>
/// <param name="LeaseId">The lease to attach, or 0.</param>
public readonly record struct MetadataWrite(string Key, ReadOnlyMemory<byte> Value, bool IsDelete, long LeaseId);
