namespace Woodpecker.Storage.Objects;

/// <summary>Definite answers to a put-if-absent.</summary>
public enum PutOutcome
{
    /// <summary>This call created the object.</summary>
    Created,

    /// <summary>An object was there already; compare before calling it one's own (U4, B3).</summary>
    Exists,
}
