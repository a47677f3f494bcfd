namespace Woodpecker;

/// <summary>How an acknowledged entry is held at the moment of the acknowledgement (Z4).</summary>
public enum Durability
{
    /// <summary>Unknown: never an answer.</summary>
    None = 0,

    /// <summary>Synced to one disk: the embedded mode.</summary>
    Disk1 = 1,

    /// <summary>Synced to the disks of two replicas.</summary>
    Disk2 = 2,

    /// <summary>Held in the memory of two replica processes.</summary>
    Memory2 = 3,

    /// <summary>Stored in the object store.</summary>
    Object = 4,
}
