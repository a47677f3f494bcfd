using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Woodpecker.Storage.Metadata.Json;

/// <summary>64-bit values are decimal strings, hashes lower-case hex: both survive every JSON reader (format, "etcd values").</summary>
internal abstract class TextConverter<T> : JsonConverter<T>
    where T : struct
{
    public sealed override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        // The platform forgives zero bytes behind a number; a value is written back as it was read (X3).
        if (reader.TokenType == JsonTokenType.String && reader.GetString()! is var text
            && !text.Contains('\0', StringComparison.Ordinal) && TryParse(text, out var value))
            return value;
        throw new JsonException($"a {typeof(T).Name} is a string of digits");
    }

    public sealed override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Print(value));

    protected abstract bool TryParse(string text, out T value);

    protected abstract string Print(T value);

    protected static bool TryUnsigned(string text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}

internal sealed class LogIdConverter : TextConverter<LogId>
{
    protected override bool TryParse(string text, out LogId value)
    {
        var ok = TryUnsigned(text, out var number);
        value = new LogId(number);
        return ok;
    }

    protected override string Print(LogId value) => value.ToString();
}

internal sealed class SegmentIdConverter : TextConverter<SegmentId>
{
    protected override bool TryParse(string text, out SegmentId value)
    {
        var ok = TryUnsigned(text, out var number);
        value = new SegmentId(number);
        return ok;
    }

    protected override string Print(SegmentId value) => value.ToString();
}

internal sealed class OffsetConverter : TextConverter<Offset>
{
    protected override bool TryParse(string text, out Offset value)
    {
        var ok = TryUnsigned(text, out var number) && number <= Limits.MaxOffset;
        value = new Offset(number);
        return ok;
    }

    protected override string Print(Offset value) => value.ToString();
}

internal sealed class LogEpochConverter : TextConverter<LogEpoch>
{
    protected override bool TryParse(string text, out LogEpoch value)
    {
        var ok = TryUnsigned(text, out var number);
        value = new LogEpoch(number);
        return ok;
    }

    protected override string Print(LogEpoch value) => value.ToString();
}

internal sealed class EntryIdConverter : TextConverter<EntryId>
{
    protected override bool TryParse(string text, out EntryId value)
    {
        var ok = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && number >= -1;
        value = new EntryId(number);
        return ok;
    }

    protected override string Print(EntryId value) => value.ToString();
}

internal sealed class Int64Converter : TextConverter<long>
{
    protected override bool TryParse(string text, out long value) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);

    protected override string Print(long value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A 64-bit hash as 16 hex digits; put on the property, since other u64 values are decimal.</summary>
internal sealed class HashConverter : TextConverter<ulong>
{
    protected override bool TryParse(string text, out ulong value)
    {
        value = 0;
        return text.Length == 16
            && ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    protected override string Print(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);
}

/// <summary>A state or kind by its name alone: neither a number nor a list of names, which the platform would take, is one.</summary>
internal sealed class NameConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    private static readonly Dictionary<string, T> _values =
        Enum.GetValues<T>().ToDictionary(static value => value.ToString(), StringComparer.Ordinal);

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && _values.TryGetValue(reader.GetString()!, out var value)
            ? value
            : throw new JsonException($"it is not one of {string.Join(", ", _values.Keys)}");

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

/// <summary>An identity as 32 hex digits.</summary>
internal sealed class GuidConverter : TextConverter<Guid>
{
    protected override bool TryParse(string text, out Guid value) => Guid.TryParseExact(text, "N", out value);

    protected override string Print(Guid value) => value.ToString("N");
}
