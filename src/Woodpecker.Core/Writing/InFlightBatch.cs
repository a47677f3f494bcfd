namespace Woodpecker.Writing;

/// <summary>A batch that has offsets and whose caller waits.</summary>
/// <typeparam name="TTicket">What the shell needs to find the caller again.</typeparam>
/// <param name="FirstOffset">Offset of its first entry.</param>
/// <param name="Count">Its entries.</param>
/// <param name="Ticket">The caller.</param>
public readonly record struct InFlightBatch<TTicket>(Offset FirstOffset, int Count, TTicket Ticket)
{
    /// <summary>Offset after its last entry.</summary>
    public Offset End => FirstOffset + Count;
}
