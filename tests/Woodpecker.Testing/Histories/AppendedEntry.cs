namespace Woodpecker.Testing.Histories;

/// <summary>An entry somebody wanted in the log; repetitions under the same producer identity are the same entry.</summary>
internal sealed class AppendedEntry(long op, PayloadDigest digest, bool hasProducer, ulong endBefore)
{
    /// <summary>The operation that asked first.</summary>
    public long Op { get; } = op;

    public PayloadDigest Digest { get; } = digest;

    public bool HasProducer { get; } = hasProducer;

    /// <summary>Offset after everything that was acknowledged before the first operation began.</summary>
    public ulong EndBefore { get; } = endBefore;

    /// <summary>Where it was acknowledged.</summary>
    public ulong? Offset { get; set; }

    /// <summary>Operations that may have appended it: invoked and not answered with NotAppended.</summary>
    public int Attempts { get; set; }

    public bool IsIndeterminate => Offset is null && Attempts > 0;
}
