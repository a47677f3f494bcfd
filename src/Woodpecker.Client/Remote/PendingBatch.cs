namespace Woodpecker.Client.Remote;

/// <summary>
/// A batch between acceptance and answer. Its boundaries never change once it was sent, so a repetition is recognised.
/// </summary>
internal sealed class PendingBatch(AppendOptions? conditions)
{
    // What a small entry costs beside its payload, so that tiny entries are bounded too.
    private const int EntryOverhead = 64;

    private readonly TaskCompletionSource<AppendResult> _answer = new(
        TaskCreationOptions.RunContinuationsAsynchronously);

    public List<NewEntry> Entries { get; } = [];

    /// <summary>Payload and overhead.</summary>
    public int Bytes { get; private set; }

    public AppendOptions? Conditions { get; } = conditions;

    /// <summary>Stamp of the first entry, from the first sending on.</summary>
    public ProducerStamp? Stamp { get; set; }

    /// <summary>
    /// Streams it was handed to that did not surely refuse it, the present one included; with none, its entries are
    /// surely not in the log (W7).
    /// </summary>
    public int TimesSent { get; set; }

    /// <summary>Timestamp of the first attempt to send it; null before.</summary>
    public long? FirstSentAt { get; set; }

    public Task<AppendResult> Answer => _answer.Task;

    public void Add(NewEntry entry)
    {
        Entries.Add(entry);
        Bytes += SizeOf(entry);
    }

    public static int SizeOf(in NewEntry entry) => entry.Payload.Length + EntryOverhead;

    public void Complete(AppendResult result) => _answer.TrySetResult(result);
}
