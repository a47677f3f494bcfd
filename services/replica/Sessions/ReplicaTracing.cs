using System.Diagnostics;

namespace Woodpecker.Replica.Sessions;

/// <summary>Spans of traced appends. Frames travel on a stream that lives for hours, so each carries its own parent.</summary>
internal static class ReplicaTracing
{
    private static readonly ActivitySource _source = new("Woodpecker.Replica");

    /// <summary>Starts the span of a frame whose append is traced; null if it is not, or nobody listens.</summary>
    public static Activity? StartAppend(string traceParent, string nodeId, int frameLength)
    {
        if (traceParent.Length == 0 || !ActivityContext.TryParse(traceParent, null, isRemote: true, out var parent))
            return null;
        // Not the ambient one: the session's loop goes on with other logs while this span is open.
        var current = Activity.Current;
        var activity = _source.StartActivity("replica.append", ActivityKind.Server, parent);
        Activity.Current = current;
        activity?.SetTag("woodpecker.node", nodeId);
        activity?.SetTag("woodpecker.frame.size", frameLength);
        return activity;
    }
}
