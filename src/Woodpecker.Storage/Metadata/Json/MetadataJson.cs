using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Storage.Metadata.Json;

/// <summary>Values to bytes and back. Unknown fields are kept (X3); anything malformed is Corrupt, never a default.</summary>
public static class MetadataJson
{
    private static readonly MetadataJsonContext _context = new(new JsonSerializerOptions(MetadataJsonContext.Default.Options)
    {
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    });

    /// <summary>The value as UTF-8 JSON of less than <see cref="Limits.MaxMetadataValueSize"/> bytes.</summary>
    /// <exception cref="MetadataException">Invalid, if it is larger.</exception>
    public static ReadOnlyMemory<byte> Write<T>(T value)
        where T : MetadataValue
    {
        if (Mutation.Is(KnownMistake.FieldsDropped))
            value.Unknown = null;
        var bytes = JsonSerializer.SerializeToUtf8Bytes(value, Info<T>());
        if (bytes.Length >= Limits.MaxMetadataValueSize)
        {
            throw new MetadataException(
                MetadataErrorKind.Invalid,
                $"A {typeof(T).Name} of {bytes.Length} bytes is over the limit of {Limits.MaxMetadataValueSize}.");
        }

        return bytes;
    }

    /// <summary>Reads a value.</summary>
    /// <exception cref="MetadataException">Corrupt, naming the key.</exception>
    public static T Read<T>(MetadataEntry entry)
        where T : MetadataValue
    {
        if (entry.Value.Length > Limits.MaxMetadataReadSize)
            throw Corrupt(entry.Key, $"it has {entry.Value.Length} bytes", null);
        T? value;
        try
        {
            value = JsonSerializer.Deserialize(entry.Value.Span, Info<T>());
        }
        catch (JsonException e)
        {
            // A converter's sentence lacks the place that the platform's own sentences have.
            var place = e.Path is { Length: > 1 } path && !e.Message.Contains(path, StringComparison.Ordinal) ? path + ": " : "";
            throw Corrupt(entry.Key, place + e.Message.TrimEnd('.'), e);
        }

        if (value is null)
            throw Corrupt(entry.Key, "it is null", null);
        if (value.V != MetadataValue.CurrentVersion)
            throw Corrupt(entry.Key, $"its schema version {value.V} is not known to this build", null);
        if (value.FindProblem() is { } problem)
            throw Corrupt(entry.Key, problem, null);
        return value;
    }

    private static JsonTypeInfo<T> Info<T>() => (JsonTypeInfo<T>)_context.GetTypeInfo(typeof(T))!;

    private static MetadataException Corrupt(string key, string what, Exception? inner) =>
        new(MetadataErrorKind.Corrupt, $"The metadata value of {key} is not valid: {what}.", inner);
}
