using System.Threading.Channels;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Diagnostics;

/// <summary>The last lines of one resource and those who listen to new ones. Any thread may append.</summary>
internal sealed class ResourceLog
{
    /// <summary>Lines kept in memory, and lines a slow listener may lag before it loses the oldest.</summary>
    public const int Capacity = 5000;

    private readonly Lock _gate = new();
    private readonly Queue<LogLine> _lines = new();
    private readonly List<Channel<LogLine>> _listeners = [];
    private int _count;

    public LogLine Append(string content, bool isErrorMessage)
    {
        lock (_gate)
        {
            var line = new LogLine(++_count, content, isErrorMessage);
            if (_lines.Count == Capacity)
                _lines.Dequeue();
            _lines.Enqueue(line);
            foreach (var listener in _listeners)
                listener.Writer.TryWrite(line);
            return line;
        }
    }

    public IReadOnlyList<LogLine> Tail(int count = Capacity)
    {
        lock (_gate)
            return [.. _lines.Skip(Math.Max(0, _lines.Count - count))];
    }

    public Subscription Subscribe(out IReadOnlyList<LogLine> backlog)
    {
        var channel = Channel.CreateBounded<LogLine>(
            new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        lock (_gate)
        {
            backlog = [.. _lines];
            _listeners.Add(channel);
        }

        return new Subscription(this, channel);
    }

    internal sealed class Subscription(ResourceLog log, Channel<LogLine> channel) : IDisposable
    {
        public ChannelReader<LogLine> Reader => channel.Reader;

        public void Dispose()
        {
            lock (log._gate)
                log._listeners.Remove(channel);
        }
    }
}
