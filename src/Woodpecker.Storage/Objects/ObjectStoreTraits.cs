namespace Woodpecker.Storage.Objects;

/// <summary>What the operator says about the object store, in its connection string.</summary>
/// <param name="Fence">
/// <see cref="SlotFence.EtcdVerify"/>: nothing relies on conditional puts, so the store need not honour them. MemoryBuffer
/// logs are then created with that fence, and those with the other one are not written to.
/// </param>
public sealed record ObjectStoreTraits(SlotFence Fence)
{
    /// <summary>A store that honours conditional puts, which the probe checks.</summary>
    public static ObjectStoreTraits Default { get; } = new(SlotFence.Conditional);

    /// <summary>The parameter of the connection string that says so.</summary>
    public const string Parameter = "fence";

    /// <summary>The fence as connection strings, answers and people write it.</summary>
    public static string NameOf(SlotFence fence) => fence == SlotFence.EtcdVerify ? "etcd-verify" : "conditional";

    /// <summary>Reads <see cref="NameOf"/> back.</summary>
    public static bool TryParseFence(string text, out SlotFence fence)
    {
        foreach (var known in Enum.GetValues<SlotFence>())
        {
            if (string.Equals(NameOf(known), text, StringComparison.OrdinalIgnoreCase))
            {
                fence = known;
                return true;
            }
        }

        fence = SlotFence.Conditional;
        return false;
    }

    /// <summary>
    /// Refuses to write to a log whose fence the store cannot carry. A log keeps its fence: changing it would leave
    /// writers of the old kind unfenced.
    /// </summary>
    /// <exception cref="WoodpeckerException">Unavailable (FenceNotSupported).</exception>
    public void CheckWritable(string log, SlotFence fence)
    {
        if (fence == SlotFence.EtcdVerify || Fence == SlotFence.Conditional)
            return;
        throw new WoodpeckerException(
            ErrorKind.Unavailable,
            $"Log '{log}' was created with fence={NameOf(fence)} and needs conditional puts, but the object store is used with "
            + $"fence={NameOf(Fence)}. Reads go on; to append, use a store with conditional puts or a new log.")
        {
            Reason = "FenceNotSupported",
        };
    }
}
