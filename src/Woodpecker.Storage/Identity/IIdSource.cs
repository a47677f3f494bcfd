namespace Woodpecker.Storage;

/// <summary>Where shells take identities and nonces from, so that a simulator can decide them.</summary>
public interface IIdSource
{
    /// <summary>A fresh 128-bit identity.</summary>
    Guid NewGuid();

    /// <summary>64 fresh random bits.</summary>
    ulong NewNonce();
}
