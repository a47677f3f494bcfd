namespace Woodpecker.Storage.Journal;

/// <summary>Sizes of a journal. All in bytes; multiples of 4,096 where stated.</summary>
public sealed record JournalOptions
{
    private const int MiB = 1024 * 1024;

    /// <summary>Size of a file, a multiple of 4,096 (format default 256 MiB; smaller suits several replicas on one disk).</summary>
    public long FileSize { get; init; } = 64 * MiB;

    /// <summary>Size at which a group is full, a multiple of 4,096 (J1).</summary>
    public int GroupSize { get; init; } = 1 * MiB;

    /// <summary>Most records in a group (J1).</summary>
    public int MaxGroupRecords { get; init; } = 4_096;

    /// <summary>Largest body of a record: the largest frame or segment header that is accepted.</summary>
    public int MaxRecordBody { get; init; } = Limits.MaxSegmentHeaderSize;

    /// <summary>
    /// Most bytes of files the journal may hold, spare files included; beyond it data is refused (U8). Fences, seals, drops and
    /// the copies of a recovery may take a few files more: without them nothing could be given back (R9).
    /// </summary>
    public long Capacity { get; init; } = 16L * 1024 * MiB;

    /// <summary>Spare files kept ready; the last one is the reserve for promises, seals and drops (R9). At least 1.</summary>
    public int SpareFiles { get; init; } = 2;

    /// <summary>Version of the program, written into file headers.</summary>
    public string ProducedBy { get; init; } = "";

    /// <summary>Who runs the journal's loops: threads, but in a simulation.</summary>
    public IJournalExecutor Executor { get; init; } = JournalThreads.Instance;

    /// <summary>Size of one of the two group buffers.</summary>
    internal int BufferSize =>
        Math.Max(GroupSize, Align((int)Format.Journals.RecordHeader.LengthOf(MaxRecordBody + Format.Journals.RecordHeader.RecoveryPrefixSize)))
        + Limits.JournalAlignment;

    /// <summary>Checks the relations between the sizes.</summary>
    /// <exception cref="WoodpeckerException">Invalid, naming the option.</exception>
    public void Validate()
    {
        if (FindProblem() is { } problem)
        {
            throw new WoodpeckerException(
                ErrorKind.Invalid, $"Journal options: {problem.Option} is {problem.Value}; it must be {problem.Rule}.")
            {
                Reason = "JournalOptions",
            };
        }
    }

    /// <summary>The first option that cannot work with the others, its value and what it must be; null if all can.</summary>
    public (string Option, long Value, string Rule)? FindProblem()
    {
        if (GroupSize <= 0 || GroupSize % Limits.JournalAlignment != 0)
            return (nameof(GroupSize), GroupSize, "a positive multiple of 4096");
        if (MaxGroupRecords <= 0)
            return (nameof(MaxGroupRecords), MaxGroupRecords, "positive");
        if (MaxRecordBody is <= 0 or > Limits.MaxFrameSize - 64)
            return (nameof(MaxRecordBody), MaxRecordBody, $"from 1 to {Limits.MaxFrameSize - 64}");
        var smallest = 4L * BufferSize;
        if (FileSize % Limits.JournalAlignment != 0 || FileSize < smallest)
            return (nameof(FileSize), FileSize, $"a multiple of 4096 and at least {smallest}: four of the largest groups");
        if (SpareFiles < 1)
            return (nameof(SpareFiles), SpareFiles, "at least 1: the reserve");
        return Capacity < FileSize * (SpareFiles + 2)
            ? (nameof(Capacity), Capacity, $"at least {FileSize * (SpareFiles + 2)}: the spare files and two more")
            : null;
    }

    internal static int Align(int length) => (length + Limits.JournalAlignment - 1) / Limits.JournalAlignment * Limits.JournalAlignment;

    internal static long AlignLong(long length) => (length + Limits.JournalAlignment - 1) / Limits.JournalAlignment * Limits.JournalAlignment;
}
