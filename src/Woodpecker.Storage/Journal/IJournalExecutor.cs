namespace Woodpecker.Storage.Journal;

/// <summary>What a turn of a journal's loop says about the next one.</summary>
public enum JournalTurn
{
    /// <summary>There may be more to do at once.</summary>
    Again,

    /// <summary>Nothing to do until the loop is woken.</summary>
    Wait,

    /// <summary>The loop is over.</summary>
    End,
}

/// <summary>Runs the loops of a journal: on threads of their own, or, in a simulation, on its one thread.</summary>
/// <remarks>Threads: any. A loop's turns never overlap.</remarks>
public interface IJournalExecutor
{
    /// <summary>Starts a loop; its first turn comes without being woken.</summary>
    /// <param name="name">For people.</param>
    /// <param name="turn">One turn. It blocks for as long as the medium works; it never throws.</param>
    IJournalLoop Start(string name, Func<JournalTurn> turn);
}

/// <summary>A running loop of a journal.</summary>
public interface IJournalLoop
{
    /// <summary>There is something to do: at least one whole turn follows.</summary>
    void Wake();

    /// <summary>Waits until the loop is over; the caller made sure that its next turn ends it.</summary>
    void Join();
}
