namespace Woodpecker;

/// <summary>Asks whether a mistake is made on purpose; without the symbol WOODPECKER_MUTANTS the answer is a constant no.</summary>
public static class Mutation
{
#if WOODPECKER_MUTANTS
    private static KnownMistake _active;

    /// <summary>Makes the mistake from now on, in the whole process; only a simulator's process may.</summary>
    public static void Activate(KnownMistake mistake) => _active = mistake;

    /// <summary>Whether the mistake is made.</summary>
    public static bool Is(KnownMistake mistake) => _active == mistake;
#else
    /// <summary>No.</summary>
    public static bool Is(KnownMistake mistake) => false;
#endif
}
