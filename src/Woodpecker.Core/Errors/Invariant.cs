using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Woodpecker;

/// <summary>Checks of our own promises, on in every build: a broken one stops the step instead of spreading.</summary>
public static class Invariant
{
    /// <summary>Fails with <see cref="InvariantViolationException"/> unless <paramref name="condition"/> holds.</summary>
    /// <param name="condition">What must be true.</param>
    /// <param name="rule">The rule or invariant, by id where it has one.</param>
    /// <param name="expression">Filled by the compiler.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(
        [DoesNotReturnIf(false)] bool condition,
        string rule,
        [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        if (!condition)
            Fail(rule, expression);
    }

    /// <summary>Fails always; for a place that must be unreachable.</summary>
    [DoesNotReturn]
    public static void Fail(string rule, string expression = "unreachable") =>
        throw new InvariantViolationException($"{rule}: {expression}");
}
