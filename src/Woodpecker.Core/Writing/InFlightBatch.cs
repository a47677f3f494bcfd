namespace Woodpecker.Writing;

/// <summary>A batch that has offsets and whose caller waits.</summary>
/// <typeparam name="TTicket">What the shell needs to find the caller again.</typeparam>
/// <param name="FirstOffset">Offset of its first entry.</param>
/// <param name="Count">Its entries.</param>
/// <param name="Ticket">The caller.</param>
/// <param name="IsDuplicate">Whether it waits for an earlier batch with the same sequence numbers.</param>
/// <param name="FirstStamp">Stamp of its first entry, or null.</param>
/// <param name="SetFencingToken">The token it sets, or null.</param>
public readonly record struct InFlightBatch<TTicket>(
    Offset FirstOffset, int Count, TTicket Ticket, bool IsDuplicate, ProducerStamp? FirstStamp, string? SetFencingToken)
{
    /// <summary>Offset after its last entry.</summary>
    public Offset End => FirstOffset + Count;
}
