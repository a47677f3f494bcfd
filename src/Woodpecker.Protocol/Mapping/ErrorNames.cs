namespace Woodpecker.Protocol.Mapping;

/// <summary>Stable words for kinds of error: the same in gRPC failures, problem details and exit codes.</summary>
internal static class ErrorNames
{
    /// <summary>
    /// The kind of a name; an unknown one, from a newer peer, counts as a defect that nobody retries.
    /// </summary>
    public static ErrorKind ParseKind(string? name) =>
        Enum.TryParse<ErrorKind>(name, ignoreCase: false, out var kind) && Enum.IsDefined(kind)
            ? kind
            : ErrorKind.Internal;

    /// <summary>The durability of a name; unknown ones are <see cref="Durability.None"/>.</summary>
    public static Durability ParseDurability(string? name) =>
        Enum.TryParse<Durability>(name, ignoreCase: false, out var value) && Enum.IsDefined(value)
            ? value
            : Durability.None;
}
