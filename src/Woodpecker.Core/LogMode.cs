namespace Woodpecker;

/// <summary>Where the writer of a log makes entries durable before it acknowledges them.</summary>
public enum LogMode
{
    /// <summary>Every entry goes to three replicas and is acknowledged when two hold it; objects follow asynchronously.</summary>
    QuorumBuffer = 0,

    /// <summary>The writer buffers and puts batches into the object store; acknowledged after the put.</summary>
    MemoryBuffer = 1,
}
