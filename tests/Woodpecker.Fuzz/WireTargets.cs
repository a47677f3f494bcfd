using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Google.Protobuf;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Replica;
using Woodpecker.Protocol.V1;

namespace Woodpecker.Fuzz;

/// <summary>Messages of gRPC and bodies of HTTP, parsed and mapped: a typed exception or an answer, nothing else.</summary>
internal static class WireTargets
{
    public static IEnumerable<Target> All =>
    [
        Message(AppendRequest.Parser, static wire =>
        {
            foreach (var entry in wire.Entries)
                EntryMapping.ToNewEntry(entry);
            if (wire.Producer is not null)
                EntryMapping.ToStamp(wire.Producer);
        }),
        Message(AppendReply.Parser, static wire => AppendMapping.ToResult(wire)),
        Message(ReadEntry.Parser, static wire => EntryMapping.ToEntry(wire)),
        Message(Failure.Parser, static wire => FailureMapping.FromFailure(wire)),
        Message(Envelope.Parser, static wire => IdentityMapping.ToGuid(wire.ClusterId, "cluster_id")),
        Message(ReplicaIdentity.Parser, static wire => IdentityMapping.ToReplicaId(wire)),
        Message(SessionRequest.Parser, static _ => { }),
        Body(ControlJson.Default.NewEntriesBody, static body =>
        {
            foreach (var entry in body.Entries ?? [])
                EntryMapping.ToNewEntry(entry);
        }, """{"entries":[{"text":"a"},{"payload":"AQI=","headers":[{"name":"h","value":"AQ=="}]}]}"""),
        Body(ControlJson.Default.NewEntryBody, static body => EntryMapping.ToNewEntry(body), """{"text":"a","headers":[{"name":"h"}]}"""),
        Body(ControlJson.Default.CreateLogBody, static _ => { }, """{"name":"orders","mode":"QuorumBuffer"}"""),
        Body(ControlJson.Default.TruncateBody, static _ => { }, """{"offset":"18446744073709551615"}"""),
        Body(ControlJson.Default.ForceSealBody, static _ => { }, "{}"),
        Body(ControlJson.Default.AppendAnswer, static body => AppendMapping.ToResult(body), """{"firstOffset":1,"lastOffset":1,"count":1,"durability":"Disk2"}"""),
        Body(ControlJson.Default.ProblemBody, static body => ProblemMapping.FromProblem(500, body, "writer-1"), """{"kind":"Invalid"}"""),
    ];

    private static Target Message<T>(MessageParser<T> parser, Action<T> map)
        where T : IMessage<T> =>
        new(
            typeof(T).Name,
            input =>
            {
                try
                {
                    map(parser.ParseFrom(input));
                }
                catch (Exception e) when (e is InvalidProtocolBufferException or WoodpeckerException)
                {
                    Targets.Check(e.Message.Length > 0, "an error says what is wrong");
                }
            },
            [[0x0A, 0x02, 0x08, 0x01], [0x08, 0x96, 0x01], [0x12, 0x03, 0x61, 0x62, 0x63, 0x1A, 0x00]]);

    private static Target Body<T>(JsonTypeInfo<T> type, Action<T> map, string seed) => new(
        typeof(T).Name,
        input =>
        {
            try
            {
                if (JsonSerializer.Deserialize(input, type) is { } body)
                    map(body);
            }
            catch (Exception e) when (e is JsonException or WoodpeckerException)
            {
                Targets.Check(e.Message.Length > 0, "an error says what is wrong");
            }
        },
        [System.Text.Encoding.UTF8.GetBytes(seed)]);
}
