namespace Woodpecker.Storage.Upload;

/// <summary>The frames of an empty segment.</summary>
internal sealed class NoFrames : IFrameSource
{
    public static readonly NoFrames Instance = new();

    public ReadOnlyMemory<byte> Header => default;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadFramesAsync(
        EntryId first, EntryId last, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        yield break;
    }
}
