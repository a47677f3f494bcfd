using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.V1;

namespace Woodpecker.Protocol.Mapping;

/// <summary>Answers to appends, to and from wire messages.</summary>
public static class AppendMapping
{
    /// <summary>The answer as a message.</summary>
    public static AppendReply ToWire(in AppendResult result, ulong requestId)
    {
        var reply = new AppendReply { RequestId = requestId };
        switch (result.Outcome)
        {
            case AppendOutcome.Ok:
                reply.Ok = new AppendReply.Types.Appended
                {
                    FirstOffset = result.FirstOffset.Value,
                    Count = (uint)result.Count,
                    Durability = ToWire(result.Durability),
                };
                break;
            case AppendOutcome.NotAppended:
                reply.NotAppended = FailureMapping.ToFailure(Reason(result));
                break;
            default:
                reply.Indeterminate = FailureMapping.ToFailure(Reason(result));
                break;
        }

        return reply;
    }

    /// <summary>The answer of a message; one without an outcome, from a newer peer, is indeterminate (W7).</summary>
    public static AppendResult ToResult(AppendReply reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return reply.OutcomeCase switch
        {
            AppendReply.OutcomeOneofCase.Ok when IsPlace(reply.Ok.FirstOffset, reply.Ok.Count) => AppendResult.Ok(
                new Offset(reply.Ok.FirstOffset), (int)reply.Ok.Count, ToDurability(reply.Ok.Durability)),
            AppendReply.OutcomeOneofCase.Ok => AppendResult.Indeterminate(NoPlace(reply.Ok.FirstOffset, reply.Ok.Count)),
            AppendReply.OutcomeOneofCase.NotAppended =>
                AppendResult.NotAppended(FailureMapping.FromFailure(reply.NotAppended)),
            AppendReply.OutcomeOneofCase.Indeterminate =>
                AppendResult.Indeterminate(FailureMapping.FromFailure(reply.Indeterminate)),
            _ => AppendResult.Indeterminate(
                new WoodpeckerException(
                    ErrorKind.Indeterminate, "The writer's answer has no outcome that is known here.")),
        };
    }

    /// <summary>The answer of a successful append as JSON.</summary>
    public static AppendAnswer ToAnswer(in AppendResult result)
    {
        Invariant.Check(result.Outcome == AppendOutcome.Ok, "W7");
        return new AppendAnswer
        {
            FirstOffset = result.FirstOffset.Value,
            LastOffset = result.LastOffset.Value,
            Count = result.Count,
            Durability = result.Durability.ToString(),
        };
    }

    /// <summary>The answer of a successful append from JSON.</summary>
    public static AppendResult ToResult(AppendAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        return answer.Count >= 0 && IsPlace(answer.FirstOffset, (uint)answer.Count)
            ? AppendResult.Ok(
                new Offset(answer.FirstOffset), answer.Count, ErrorNames.ParseDurability(answer.Durability))
            : AppendResult.Indeterminate(NoPlace(answer.FirstOffset, answer.Count));
    }

    // What is no place in a log tells nothing about the entries.
    private static bool IsPlace(ulong firstOffset, uint count) =>
        count is > 0 and <= Limits.MaxFrameEntries && firstOffset <= Limits.MaxOffset - count;

    private static WoodpeckerException NoPlace(ulong firstOffset, long count) => new(
        ErrorKind.Indeterminate, $"The writer answered {count} entries at offset {firstOffset}, which is no place in a log.");

    private static WoodpeckerException Reason(in AppendResult result) =>
        result.Error ?? new WoodpeckerException(ErrorKind.Internal, "An append failed without a reason.");

    private static DurabilityLevel ToWire(Durability durability) => durability switch
    {
        Durability.Disk1 => DurabilityLevel.Disk1,
        Durability.Disk2 => DurabilityLevel.Disk2,
        Durability.Memory2 => DurabilityLevel.Memory2,
        Durability.Object => DurabilityLevel.Object,
        _ => DurabilityLevel.DurabilityUnspecified,
    };

    private static Durability ToDurability(DurabilityLevel level) => level switch
    {
        DurabilityLevel.Disk1 => Durability.Disk1,
        DurabilityLevel.Disk2 => Durability.Disk2,
        DurabilityLevel.Memory2 => Durability.Memory2,
        DurabilityLevel.Object => Durability.Object,
        _ => Durability.None,
    };
}
