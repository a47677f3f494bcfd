using System.Globalization;
using System.Runtime.CompilerServices;
using Woodpecker.Client.Remote;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Transport;
using Woodpecker.Reading;
using Woodpecker.Storage;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Client;

/// <summary>
/// <see cref="IWoodpeckerClient"/> over the network: HTTP for control, gRPC for entries, by Dapr or direct.
/// </summary>
public sealed class WoodpeckerClient : IWoodpeckerClient
{
    // Logs that AppendAsync keeps a writer for; the least lately opened one is closed beyond it.
    private const int MaxWriters = 64;
    private const int MessageOverhead = 128 * 1024;
    private const int ListPage = 200;
    private static readonly TimeSpan _deletionPause = TimeSpan.FromMilliseconds(500);

    private readonly WoodpeckerClientOptions _options;
    private readonly IPeerChannels _channels;
    private readonly bool _ownsChannels;
    private readonly int _maxEntrySize;
    private readonly ControlCalls _control;
    private readonly RemoteReads _reads;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ILogWriter> _writers = new(StringComparer.Ordinal);
    private readonly Queue<string> _writerOrder = new();
    private readonly List<Task> _closing = [];
    private bool _disposed;

    private WoodpeckerClient(
        WoodpeckerClientOptions options, IPeerChannels channels, bool ownsChannels, int maxMessageBytes)
    {
        if (options.Writers.Count == 0 || options.Readers.Count == 0)
            throw new ArgumentException("A client needs at least one writer and one reader.", nameof(options));
        _options = options;
        _channels = channels;
        _ownsChannels = ownsChannels;
        _maxEntrySize = Math.Min(Limits.MaxEntrySize, maxMessageBytes - MessageOverhead);
        _control = new ControlCalls(channels, options.ControlPatience, options.Time);
        _reads = new RemoteReads(channels, options.Readers, options.Time);
    }

    /// <summary>A client by options. Dials nothing yet.</summary>
    /// <exception cref="TransportConfigurationException">The sidecar's addresses are not known.</exception>
    public static WoodpeckerClient Create(WoodpeckerClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var transport = options.Transport
            ?? TransportOptions.FromConfiguration(
                static key => Environment.GetEnvironmentVariable(key.Replace(":", "__", StringComparison.Ordinal)));
        return new WoodpeckerClient(
            options, new PeerChannels(transport), ownsChannels: true, transport.MaxMessageBytes);
    }

    /// <summary>A client over channels that the caller owns, for processes that have some already.</summary>
    public static WoodpeckerClient Create(
        WoodpeckerClientOptions options,
        IPeerChannels channels,
        int maxMessageBytes = TransportOptions.DefaultMaxMessageBytes)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(channels);
        return new WoodpeckerClient(options, channels, ownsChannels: false, maxMessageBytes);
    }

    /// <inheritdoc/>
    public async ValueTask<LogCreation> CreateLogAsync(
        string log, LogOptions? options = null, CancellationToken cancellationToken = default)
    {
        var path = Path(log);
        var body = ToBody(options ?? new LogOptions());
        var (status, description) = await _control.CallAsync(
            _options.Writers,
            () => ControlCalls.WithBody(HttpMethod.Put, path, body, ControlJson.Default.CreateLogBody),
            ControlJson.Default.LogDescription,
            cancellationToken).ConfigureAwait(false);
        return new LogCreation(description, status == (int)System.Net.HttpStatusCode.Created);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LogDescription> ListLogsAsync(
        string? after = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var next = after;
        do
        {
            var query = string.Create(CultureInfo.InvariantCulture, $"logs?limit={ListPage}");
            if (next is not null)
                query += "&after=" + Uri.EscapeDataString(next);
            var (_, page) = await _control.CallAsync(
                _options.Readers,
                () => new HttpRequestMessage(HttpMethod.Get, query),
                ControlJson.Default.LogList,
                cancellationToken).ConfigureAwait(false);
            foreach (var log in page.Logs)
                yield return log;
            next = page.Next;
        }
        while (next is not null);
    }

    /// <inheritdoc/>
    public async ValueTask<LogDescription> DescribeLogAsync(string log, CancellationToken cancellationToken = default)
    {
        var path = Path(log);
        var (_, description) = await _control.CallAsync(
            _options.Readers,
            () => new HttpRequestMessage(HttpMethod.Get, path),
            ControlJson.Default.LogDescription,
            cancellationToken).ConfigureAwait(false);
        return description;
    }

    /// <summary>
    /// The end of a log as of a moment after the call: behind every append that was answered before it (V7). Costs a
    /// question to the replicas or a metadata transaction; <see cref="DescribeLogAsync"/> may lag and costs neither.
    /// </summary>
    /// <exception cref="WoodpeckerException">NotFound, or Unavailable: nobody can tell for certain now.</exception>
    public async ValueTask<Offset> CheckTailAsync(string log, CancellationToken cancellationToken = default)
    {
        const int maxHops = 3;
        var path = Path(log) + "?linearizable=true";
        var writers = _options.Writers;
        for (var hop = 1; ; hop++)
        {
            try
            {
                var (_, description) = await _control.CallAsync(
                    writers,
                    () => new HttpRequestMessage(HttpMethod.Get, path),
                    ControlJson.Default.LogDescription,
                    cancellationToken).ConfigureAwait(false);
                return new Offset(description.NextOffset!.Value);
            }
            catch (WoodpeckerException e) when (e is { Kind: ErrorKind.NotOwner, Owner: not null } && hop < maxHops)
            {
                writers = [e.Owner];
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DeleteLogAsync(string log, CancellationToken cancellationToken = default)
    {
        var path = Path(log);
        var isPending = false;
        while (true)
        {
            try
            {
                var (status, _) = await _control.CallAsync(
                    _options.Writers, () => new HttpRequestMessage(HttpMethod.Delete, path), cancellationToken)
                    .ConfigureAwait(false);
                if (status != (int)System.Net.HttpStatusCode.Accepted)
                    return;
                isPending = true;
            }
            catch (WoodpeckerException e) when (e.Kind == ErrorKind.NotFound && isPending)
            {
                return;
            }

            // D4: the name is gone; appends that are under way may succeed until enough members are fenced.
            await Task.Delay(_deletionPause, _options.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Offset> TruncateAsync(
        string log, Offset offset, CancellationToken cancellationToken = default)
    {
        var path = Path(log) + "/truncate";
        var body = new TruncateBody { Offset = offset.Value };
        var (_, answer) = await _control.CallAsync(
            _options.Writers,
            () => ControlCalls.WithBody(HttpMethod.Post, path, body, ControlJson.Default.TruncateBody),
            ControlJson.Default.TruncateAnswer,
            cancellationToken).ConfigureAwait(false);
        return new Offset(answer.FirstOffset);
    }

    /// <summary>
    /// For operators: seals what is left of a log's unsealed segment whose members are lost, or tells what would be lost.
    /// </summary>
    /// <exception cref="WoodpeckerException">Conflict, whose reason and message say why nothing was done.</exception>
    public async ValueTask<ForceSealAnswer> ForceSealAsync(
        string log, ulong segment, ForceSealBody decision, CancellationToken cancellationToken = default)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"{Path(log)}/segments/{segment}/force-seal");
        var (_, answer) = await _control.CallAsync(
            _options.Writers,
            () => ControlCalls.WithBody(HttpMethod.Post, path, decision, ControlJson.Default.ForceSealBody),
            ControlJson.Default.ForceSealAnswer,
            cancellationToken).ConfigureAwait(false);
        return answer;
    }

    /// <summary>The state of the cluster; in safe mode also what its metadata lack. For operators.</summary>
    public async ValueTask<ClusterDescription> DescribeClusterAsync(CancellationToken cancellationToken = default)
    {
        var (_, answer) = await _control.CallAsync(
            _options.Writers, static () => new HttpRequestMessage(HttpMethod.Get, "cluster"),
            ControlJson.Default.ClusterDescription, cancellationToken).ConfigureAwait(false);
        return answer;
    }

    /// <summary>Ends safe mode, or tells what that would do. For operators.</summary>
    /// <exception cref="WoodpeckerException">Conflict, whose reason and message say why nothing was done.</exception>
    public async ValueTask<RestoreDescription> AcceptRestoreAsync(
        AcceptRestoreBody decision, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(decision);
        var (_, answer) = await _control.CallAsync(
            _options.Writers,
            () => ControlCalls.WithBody(HttpMethod.Post, "cluster/accept-restore", decision, ControlJson.Default.AcceptRestoreBody),
            ControlJson.Default.RestoreDescription,
            cancellationToken).ConfigureAwait(false);
        return answer;
    }

    /// <summary>The replica nodes with what they hold; for operators.</summary>
    public async ValueTask<IReadOnlyList<NodeDescription>> ListNodesAsync(CancellationToken cancellationToken = default)
    {
        var (_, list) = await _control.CallAsync(
            _options.Writers, static () => new HttpRequestMessage(HttpMethod.Get, "nodes"),
            ControlJson.Default.NodeList, cancellationToken).ConfigureAwait(false);
        return list.Nodes;
    }

    /// <summary>
    /// Takes a replica node out of service: its state is Drained once it holds nothing. Conflict if too few others are
    /// left; NotFound if there is none of that name.
    /// </summary>
    public ValueTask<NodeChange> DrainNodeAsync(string node, CancellationToken cancellationToken = default) =>
        ChangeNodeAsync(node, "drain", cancellationToken);

    /// <summary>Lets a replica node take new segments again.</summary>
    public ValueTask<NodeChange> ResumeNodeAsync(string node, CancellationToken cancellationToken = default) =>
        ChangeNodeAsync(node, "resume", cancellationToken);

    private async ValueTask<NodeChange> ChangeNodeAsync(string node, string what, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(node);
        var path = $"nodes/{Uri.EscapeDataString(node)}/{what}";
        var (_, change) = await _control.CallAsync(
            _options.Writers, () => new HttpRequestMessage(HttpMethod.Post, path),
            ControlJson.Default.NodeChange, cancellationToken).ConfigureAwait(false);
        return change;
    }

    /// <inheritdoc/>
    public async ValueTask<AppendResult> AppendAsync(
        string log, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default)
    {
        var ticket = await EnqueueSharedAsync(
            log, writer => writer.EnqueueAsync(new NewEntry(payload), cancellationToken)).ConfigureAwait(false);
        return Judge(log, await ticket.WaitAsync(cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public async ValueTask<AppendResult> AppendAsync(
        string log,
        IReadOnlyList<NewEntry> entries,
        AppendOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        var ticket = await EnqueueSharedAsync(
            log, writer => writer.EnqueueAsync(entries, options, cancellationToken)).ConfigureAwait(false);
        return Judge(log, await ticket.WaitAsync(cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public ILogWriter OpenWriter(string log, LogWriterOptions? options = null)
    {
        CheckName(log);
        ObjectDisposedException.ThrowIf(_disposed, this);
        options ??= new LogWriterOptions();
        options.Check();
        var producer = options.ProducerId ?? SystemIdSource.Instance.NewGuid();
        return new RemoteLogWriter(log, _channels, _options.Writers, options, producer, _maxEntrySize, _options.Time);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<LogEntry> ReadAsync(
        string log, ReadOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var batches = ReadBatchesAsync(log, options, cancellationToken);
        await foreach (var batch in batches.ConfigureAwait(false))
        {
            foreach (var entry in batch.Entries)
                yield return entry;
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ReadBatch> ReadBatchesAsync(
        string log, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        CheckName(log);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _reads.ReadAsync(log, options ?? new ReadOptions(), cancellationToken);
    }

    /// <summary>
    /// Has a reader read a whole log once more, every byte from where it lies, and check everything there is to check.
    /// </summary>
    /// <param name="log">The log.</param>
    /// <param name="isEverySource">Every copy, instead of one good copy of every entry.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Steps; findings are steps too, and the last one is the summary.</returns>
    /// <exception cref="WoodpeckerException">NotFound, or Unavailable: the verification broke off.</exception>
    public IAsyncEnumerable<VerifyStep> VerifyAsync(
        string log, bool isEverySource = false, CancellationToken cancellationToken = default)
    {
        CheckName(log);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _reads.VerifyAsync(log, isEverySource, cancellationToken);
    }

    /// <summary>
    /// Closes the writers of <c>AppendAsync</c> after what they accepted is answered, then the channels.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        List<ILogWriter> writers;
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            writers = [.. _writers.Values];
            _writers.Clear();
        }

        _closing.AddRange(writers.Select(static writer => writer.DisposeAsync().AsTask()));
        await Task.WhenAll(_closing).ConfigureAwait(false);
        if (_ownsChannels)
            _channels.Dispose();
    }

    private async ValueTask<AppendTicket> EnqueueSharedAsync(
        string log, Func<ILogWriter, ValueTask<AppendTicket>> enqueue)
    {
        while (true)
        {
            try
            {
                return await enqueue(SharedWriter(log)).ConfigureAwait(false);
            }
            catch (WoodpeckerException e) when (e.Kind == ErrorKind.Closed && !_disposed)
            {
                // The writer made room for another log's between the two steps; a new one takes its place.
            }
        }
    }

    // 11.6: a declared loss took entries of the shared writer's producer with it, so its sequence has a gap for ever. The
    // caller is told; the next append goes by a producer of its own.
    private AppendResult Judge(string log, AppendResult result)
    {
        if (result is not { Outcome: AppendOutcome.NotAppended, Error.Reason: "OutOfOrder" })
            return result;
        lock (_gate)
        {
            if (_disposed || !_writers.Remove(log, out var broken))
                return result;
            for (var others = _writerOrder.Count; others > 0; others--)
            {
                if (_writerOrder.Dequeue() is var other && other != log)
                    _writerOrder.Enqueue(other);
            }

            _closing.Add(broken.DisposeAsync().AsTask());
        }

        return result;
    }

    private ILogWriter SharedWriter(string log)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_writers.TryGetValue(log, out var known))
                return known;
            if (_writers.Count >= MaxWriters && _writers.Remove(_writerOrder.Dequeue(), out var evicted))
            {
                // What it accepted is still answered to those who wait for it.
                _closing.RemoveAll(static task => task.IsCompleted);
                _closing.Add(evicted.DisposeAsync().AsTask());
            }

            var writer = OpenWriter(log);
            _writers.Add(log, writer);
            _writerOrder.Enqueue(log);
            return writer;
        }
    }

    private static string Path(string log)
    {
        CheckName(log);
        return "logs/" + log;
    }

    private static void CheckName(string log)
    {
        if (!LogName.IsValid(log, out var problem))
            throw new WoodpeckerException(ErrorKind.Invalid, problem);
    }

    private static CreateLogBody ToBody(LogOptions options) => new()
    {
        Mode = options.Mode.ToString(),
        SegmentBytes = options.SegmentBytes,
        SegmentAge = options.SegmentAge is { } age ? DurationText.Format(age) : null,
        Linger = options.Linger is { } linger ? DurationText.Format(linger) : null,
        RetentionBytes = options.RetentionBytes,
        RetentionAge = options.RetentionAge is { } retention ? DurationText.Format(retention) : null,
        RequireToken = options.RequireToken ? true : null,
        OnProvenLoss = options.OnProvenLoss == LossPolicy.Block ? null : options.OnProvenLoss.ToString(),
    };
}
