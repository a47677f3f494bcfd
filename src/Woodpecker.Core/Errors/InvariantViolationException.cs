namespace Woodpecker;

/// <summary>One of our own promises does not hold: a defect, never a caller's mistake.</summary>
public sealed class InvariantViolationException(string message) : Exception(message);
