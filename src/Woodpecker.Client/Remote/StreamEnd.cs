namespace Woodpecker.Client.Remote;

/// <summary>Why an append stream ended.</summary>
/// <param name="Failure">What went wrong; null for an orderly end.</param>
/// <param name="IsFinal">Whether trying again is useless: the server refused the stream itself.</param>
/// <param name="NeverConnected">Whether no connection came about, so that certainly nothing was sent.</param>
internal readonly record struct StreamEnd(WoodpeckerException? Failure, bool IsFinal, bool NeverConnected = false)
{
    public static readonly StreamEnd Orderly = new(null, IsFinal: false);

    public static StreamEnd Again(WoodpeckerException failure) => new(failure, IsFinal: false);
}
