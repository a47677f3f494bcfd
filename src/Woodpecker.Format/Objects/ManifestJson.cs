using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Woodpecker.Format.Objects;

/// <summary>How a manifest becomes JSON: camel case, no white space, numbers of 64 bits as decimal text.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    MaxDepth = 16,
    ReadCommentHandling = JsonCommentHandling.Disallow,
    AllowTrailingCommas = false,
    NumberHandling = JsonNumberHandling.Strict,
    PropertyNameCaseInsensitive = false,
    RespectNullableAnnotations = true,
    Converters =
    [
        typeof(Log), typeof(Segment), typeof(Epoch), typeof(Place), typeof(Entry), typeof(Signed), typeof(Unsigned), typeof(Id),
    ])]
[JsonSerializable(typeof(SegmentManifest))]
internal sealed partial class ManifestJson : JsonSerializerContext
{
    /// <summary>A value as text in exactly the form that <see cref="Print"/> gives.</summary>
    internal abstract class Text<T> : JsonConverter<T>
        where T : struct
    {
        public sealed override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.String
                && reader.GetString() is { } text
                && TryParse(text, out var value)
                && Print(value) == text)
            {
                return value;
            }

            throw new JsonException();
        }

        public sealed override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
            writer.WriteStringValue(Print(value));

        protected abstract bool TryParse(string text, out T value);

        protected abstract string Print(T value);

        protected static bool TryNumber(string text, out ulong value) =>
            ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    internal sealed class Log : Text<LogId>
    {
        protected override bool TryParse(string text, out LogId value)
        {
            var isNumber = TryNumber(text, out var number);
            value = new LogId(number);
            return isNumber;
        }

        protected override string Print(LogId value) => value.ToString();
    }

    internal sealed class Segment : Text<SegmentId>
    {
        protected override bool TryParse(string text, out SegmentId value)
        {
            var isNumber = TryNumber(text, out var number);
            value = new SegmentId(number);
            return isNumber;
        }

        protected override string Print(SegmentId value) => value.ToString();
    }

    internal sealed class Epoch : Text<LogEpoch>
    {
        protected override bool TryParse(string text, out LogEpoch value)
        {
            var isNumber = TryNumber(text, out var number);
            value = new LogEpoch(number);
            return isNumber;
        }

        protected override string Print(LogEpoch value) => value.ToString();
    }

    internal sealed class Place : Text<Offset>
    {
        protected override bool TryParse(string text, out Offset value)
        {
            var isNumber = TryNumber(text, out var number) && number <= Limits.MaxOffset;
            value = new Offset(number);
            return isNumber;
        }

        protected override string Print(Offset value) => value.ToString();
    }

    internal sealed class Entry : Text<EntryId>
    {
        protected override bool TryParse(string text, out EntryId value)
        {
            var isNumber = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= -1;
            value = new EntryId(number);
            return isNumber;
        }

        protected override string Print(EntryId value) => value.ToString();
    }

    internal sealed class Signed : Text<long>
    {
        protected override bool TryParse(string text, out long value) =>
            long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);

        protected override string Print(long value) => value.ToString(CultureInfo.InvariantCulture);
    }

    internal sealed class Unsigned : Text<ulong>
    {
        protected override bool TryParse(string text, out ulong value) => TryNumber(text, out value);

        protected override string Print(ulong value) => value.ToString(CultureInfo.InvariantCulture);
    }

    internal sealed class Id : Text<System.Guid>
    {
        protected override bool TryParse(string text, out System.Guid value) => System.Guid.TryParseExact(text, "N", out value);

        protected override string Print(System.Guid value) => value.ToString("N");
    }

    internal sealed class Hash64 : Text<ulong>
    {
        protected override bool TryParse(string text, out ulong value) =>
            ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

        protected override string Print(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);
    }

    internal sealed class Hash32 : Text<uint>
    {
        protected override bool TryParse(string text, out uint value) =>
            uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);

        protected override string Print(uint value) => value.ToString("x8", CultureInfo.InvariantCulture);
    }
}
