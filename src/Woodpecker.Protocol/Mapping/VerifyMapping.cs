using Woodpecker.Protocol.V1;
using Woodpecker.Reading;

namespace Woodpecker.Protocol.Mapping;

/// <summary>Steps of a verification to and from the wire.</summary>
public static class VerifyMapping
{
    /// <summary>The message of a step.</summary>
    public static VerifyReply ToWire(VerifyStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return new VerifyReply
        {
            Kind = step.Kind.ToString(),
            Segment = step.Segment.Value,
            Source = step.Source,
            From = step.From.Value,
            To = step.To.Value,
            Entries = step.Entries,
            Bytes = step.Bytes,
            Problem = step.Problem?.ToString() ?? "",
            Unreadable = step.IsUnreadable,
            Detail = step.Detail,
            SetHash = step.SetHash,
            Findings = step.Findings,
        };
    }

    /// <summary>The step a message describes.</summary>
    /// <exception cref="WoodpeckerException">Internal: a kind of step that this build does not know.</exception>
    public static VerifyStep ToStep(VerifyReply reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return new VerifyStep
        {
            Kind = Enum.TryParse<VerifyStepKind>(reply.Kind, out var kind)
                ? kind
                : throw new WoodpeckerException(ErrorKind.Internal, $"The step '{reply.Kind}' is not known here."),
            Segment = new SegmentId(reply.Segment),
            Source = reply.Source,
            From = new Offset(reply.From),
            To = new Offset(reply.To),
            Entries = reply.Entries,
            Bytes = reply.Bytes,
            Problem = reply.Problem.Length == 0 ? null : ErrorNames.ParseKind(reply.Problem),
            IsUnreadable = reply.Unreadable,
            Detail = reply.Detail,
            SetHash = reply.SetHash,
            Findings = reply.Findings,
        };
    }
}
