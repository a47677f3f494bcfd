namespace Woodpecker.Client.Remote;

/// <summary>A caller that waits for room in the buffer, in call order.</summary>
internal sealed class RoomWaiter(int bytes, Func<AppendTicket> accept)
{
    private readonly TaskCompletionSource<AppendTicket> _accepted = new(
        TaskCreationOptions.RunContinuationsAsynchronously);

    public int Bytes { get; } = bytes;

    public Task<AppendTicket> Accepted => _accepted.Task;

    public void Accept() => _accepted.TrySetResult(accept());

    public void Refuse(WoodpeckerException error) => _accepted.TrySetException(error);
}
