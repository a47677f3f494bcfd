using System.Globalization;
using System.IO.Hashing;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Woodpecker.Testing.Histories;

/// <summary>Length and 128-bit hash of an entry's bytes: what a history keeps of them.</summary>
[JsonConverter(typeof(JsonForm))]
public readonly record struct PayloadDigest(int Length, UInt128 Hash)
{
    public static PayloadDigest Of(ReadOnlySpan<byte> payload) =>
        new(payload.Length, XxHash128.HashToUInt128(payload));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Length}:{Hash:x32}");

    public static PayloadDigest Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return new PayloadDigest(
            int.Parse(text.AsSpan(0, colon), CultureInfo.InvariantCulture),
            UInt128.Parse(text.AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    private sealed class JsonForm : JsonConverter<PayloadDigest>
    {
        public override PayloadDigest Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            Parse(reader.GetString()!);

        public override void Write(Utf8JsonWriter writer, PayloadDigest value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString());
    }
}
