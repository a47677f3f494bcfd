namespace Woodpecker.Tool.Input;

/// <summary>Where the entries of an append come from.</summary>
/// <param name="Texts">Entries of the command line; with any, nothing else is read.</param>
/// <param name="File">A file instead of standard input.</param>
/// <param name="ChunkSize">Size of chunks; null for lines.</param>
internal sealed record AppendInput(IReadOnlyList<string> Texts, FileInfo? File, int? ChunkSize)
{
    /// <summary>Opens the file, if there is one.</summary>
    public OpenInput Open()
    {
        if (Texts.Count > 0)
            return new OpenInput(this, null, null);
        if (File is null)
            return new OpenInput(this, Console.OpenStandardInput(), null);
        var stream = new FileStream(
            File.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0,
            FileOptions.SequentialScan);
        return new OpenInput(this, stream, stream.CanSeek ? stream.Length : null);
    }
}

/// <summary>An open input.</summary>
internal sealed class OpenInput(AppendInput input, Stream? stream, long? totalBytes) : IDisposable
{
    /// <summary>Bytes to come, where that is known.</summary>
    public long? TotalBytes { get; } = totalBytes;

    /// <summary>The payloads.</summary>
    public IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellationToken)
    {
        if (stream is null)
            return EntryInput.TextsAsync(input.Texts);
        return input.ChunkSize is { } size
            ? EntryInput.ChunksAsync(stream, size, cancellationToken)
            : EntryInput.LinesAsync(stream, Limits.DefaultMaxEntrySize, cancellationToken);
    }

    public void Dispose() => stream?.Dispose();
}
