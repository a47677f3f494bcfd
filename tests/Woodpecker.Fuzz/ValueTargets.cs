using System.Text;
using Woodpecker.Format.Objects;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Registration;

namespace Woodpecker.Fuzz;

/// <summary>Values and keys of metadata, names, connection strings: a typed exception or an answer, nothing else.</summary>
internal static class ValueTargets
{
    private static readonly string[] _texts =
    [
        "orders", "con", "a..b", "../x", "%2e%2e%2f", "0000000000000007/00000000000000000003/0000000000002329-0001.wps",
        "0000000000000007/00000000000000000003/s-00000000000000000001.wpb", "wp/v1/logs/0000000000000007/seg/00000000000000000003",
        "s3://bucket/prefix?region=eu-central-1&pathStyle=true", "file:///var/lib/woodpecker/objects",
    ];

    public static IEnumerable<Target> All =>
    [
        Value<AuditValue>(), Value<ClusterValue>(), Value<NodeValue>(), Value<LiveValue>(), Value<IdCounterValue>(),
        Value<DamageValue>(), Value<NameValue>(), Value<EpochValue>(),
        Value<LogValue>("""{"v":1,"nonce":"00000000000000000000000000000001","name":"orders","mode":"QuorumBuffer","state":"Live"}"""),
        Value<TruncationValue>(), Value<TombstoneValue>(), Value<ReaderPinValue>(), Value<JobValue>(), Value<GcValue>(),
        Value<SegmentValue>(
            """
            {"v":1,"nonce":"00000000000000000000000000000001","epoch":3,"state":"Sealed","mode":"QuorumBuffer","baseOffset":5,
            "lastEntry":7,"chain":"00000000000000ff","ensemble":[{"node":"replica-1","incarnation":
            "00000000-0000-0000-0000-000000000001","generation":1}]}
            """),
        new("names", Names, _texts.Select(Encoding.UTF8.GetBytes)),
    ];

    private static Target Value<T>(string? seed = null)
        where T : MetadataValue =>
        new(
            typeof(T).Name,
            Read<T>,
            [Encoding.UTF8.GetBytes(seed ?? """{"v":1,"nonce":"00000000000000000000000000000001"}"""), "{\"v\":1,\"x\":{\"y\":[1]}}"u8.ToArray()]);

    private static void Read<T>(byte[] input)
        where T : MetadataValue
    {
        try
        {
            var value = MetadataJson.Read<T>(new MetadataEntry("wp/v1/key", input, 1, 1, 0));
            var first = MetadataJson.Write(value);
            var again = MetadataJson.Write(MetadataJson.Read<T>(new MetadataEntry("wp/v1/key", first, 1, 1, 0)));
            Targets.Check(again.Span.SequenceEqual(first.Span), $"a {typeof(T).Name} is written as it was read"); // X3
        }
        catch (MetadataException e) when (e.Kind is MetadataErrorKind.Corrupt or MetadataErrorKind.Invalid)
        {
            Targets.Check(e.Message.Length > 0, "an error says what is wrong");
        }
    }

    private static void Names(byte[] input)
    {
        var text = Encoding.UTF8.GetString(input);
        Targets.Check(LogName.IsValid(text, out var problem) || problem.Length > 0, "a wrong name is explained");
        Targets.Check(!LogName.IsValid(text, out _) || !text.Contains("..", StringComparison.Ordinal), "a name holds no '..'");
        Targets.Check(!ObjectNames.TryParse(text, out _) || ObjectKey.IsValid(text), "an object name is a legal key");
        Targets.Check(!MetadataKeys.TryParseSegment(text, out _) || text.Length > 0, "a segment key is not empty");
        try
        {
            var connection = ObjectStoreConnection.Parse(text);
            connection.TakeFlag("pathStyle", otherwise: false);
            connection.RefuseUnused();
        }
        catch (ObjectStoreException e) when (e.Kind == ObjectStoreErrorKind.Invalid)
        {
            Targets.Check(e.Message.Length > 0, "an error says what is wrong");
        }
    }
}
