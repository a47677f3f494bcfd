namespace Woodpecker.Testing.Histories;

/// <summary>One append call and what became of it.</summary>
internal sealed class AppendOperation(HistoryEvent invoke, AppendedEntry[] entries, bool isRepetition, bool isAfterDeletion)
{
    public HistoryEvent Invoke { get; } = invoke;

    public AppendedEntry[] Entries { get; } = entries;

    /// <summary>Some entry was asked for before: its place in its caller's order is that of the first time.</summary>
    public bool IsRepetition { get; } = isRepetition;

    /// <summary>Begun after the log's deletion was answered.</summary>
    public bool IsAfterDeletion { get; } = isAfterDeletion;

    public HistoryEvent? Result { get; set; }
}
