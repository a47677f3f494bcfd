using Google.Protobuf;
using Grpc.Core;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.V1;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Nodes;
using Woodpecker.Testing.Histories;
using WriterClient = Woodpecker.Protocol.V1.Writer.WriterClient;

namespace Woodpecker.Simulation.Workload;

internal enum AppendStyle
{
    Plain,

    Idempotent,

    Conditional,
}

/// <summary>Appends to one log over streams that break, and records what it is told.</summary>
internal sealed class AppendClient
{
    private readonly World _world;
    private readonly LogPlan _log;
    private readonly AppendStyle _style;
    private readonly SimRandom _random;
    private readonly uint _number;
    private readonly Life _life;
    private readonly int _window;
    private readonly int _maxBatch;
    private readonly int _maxSize;
    private readonly double _gap;
    private readonly Guid _producer;
    private readonly bool _isPatient;
    private readonly List<Batch> _repeat = [];
    private readonly Queue<Batch> _pending = new();
    private uint _producerEpoch;
    private ulong _sequence;
    private ulong _payloads;
    private ulong _expected;
    private ulong _requestId;
    private int _left;
    private bool _mustStop;

    public AppendClient(World world, int number, LogPlan log, SimRandom random, int operations)
    {
        (_world, _log, _random, _number, _left) = (world, log, random, (uint)number, operations);
        _style = random.Next(3) switch { 0 => AppendStyle.Plain, 1 => AppendStyle.Idempotent, _ => random.Chance(0.4) ? AppendStyle.Conditional : AppendStyle.Idempotent };
        _window = _style == AppendStyle.Conditional ? 1 : 1 + random.Next(_style == AppendStyle.Idempotent ? 6 : 12);
        _maxBatch = 1 + random.Next(random.Chance(0.5) ? 1 : 6);
        _maxSize = random.Chance(0.2) ? 1_200 : 28 + random.Next(200);
        _gap = random.Chance(0.3) ? 5 : 20 + (random.NextDouble() * 600);
        _life = world.NewClient("client-" + number.ToString(System.Globalization.CultureInfo.InvariantCulture));
        _producer = _life.Ids.NewGuid();
        _isPatient = number % 2 == 0;
    }

    public async Task RunAsync()
    {
        while (!IsDone)
        {
            var writer = _world.PickWriter(_random);
            await TalkAsync(writer);
            if (!IsDone)
                await _world.Sim.Delay(_random.Between(5, 400));
        }
    }

    private bool IsDone => _world.ClientsStop || _log.IsDeleted || (_left <= 0 && _repeat.Count == 0);

    // One stream, until it breaks, something was refused, or a while has passed.
    private async Task TalkAsync(SimNode writer)
    {
        using var stop = new CancellationTokenSource();
        var client = new WriterClient(_world.Invoker(_life, writer.Name));
        using var call = client.Append(cancellationToken: stop.Token);
        _mustStop = false;
        var reading = ReadAsync(call);
        var until = _world.Sim.Now + _random.Between(500, 20_000).Ticks;
        try
        {
            while (!_mustStop && !IsDone && _world.Sim.Now < until)
            {
                if (_pending.Count >= _window)
                {
                    await _world.Sim.Delay(_random.Between(0.5, 5));
                    continue;
                }

                await SendAsync(call);
                if (_random.Chance(0.4))
                    await _world.Sim.Delay(_random.Between(0, _random.Chance(0.03) ? 4_000 : _gap));
            }

            await call.RequestStream.CompleteAsync();
            // The rest of the answers, for as long as a patient client waits.
            await Task.WhenAny(reading, _world.Sim.Delay(_random.Between(1_000, 15_000)));
            if (_isPatient)
                await AwaitAnswersAsync(reading, writer);
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException)
        {
            // The stream is over: what was sent and not answered is unknown.
        }

        await stop.CancelAsync();
        await reading;
        while (_pending.TryDequeue(out var batch))
            OnUnknown(batch, "the stream ended");
    }

    // INV-32: every append is answered, at the latest some time after all faults have ended.
    private async Task AwaitAnswersAsync(Task reading, SimNode writer)
    {
        var until = Math.Max(_world.Sim.Now, _world.FaultsEnd) + TimeSpan.FromSeconds(60).Ticks;
        while (!reading.IsCompleted && _world.Sim.Now < until)
            await Task.WhenAny(reading, _world.Sim.Delay(TimeSpan.FromSeconds(1)));
        if (!reading.IsCompleted)
            _world.Sim.Fail($"INV-32: {writer.Name} does not answer {_pending.Count} appends of {_life.Name}");
    }

    private async Task SendAsync(AsyncDuplexStreamingCall<AppendRequest, AppendReply> call)
    {
        var batch = _repeat.Count > 0 ? _repeat[0] : NewBatch();
        if (_repeat.Count > 0)
            _repeat.RemoveAt(0);
        var request = new AppendRequest { RequestId = ++_requestId, Log = _log.Name };
        foreach (var payload in batch.Payloads)
            request.Entries.Add(new Protocol.V1.NewEntry { Payload = ByteString.CopyFrom(payload) });
        ProducerKey? key = null;
        if (_style == AppendStyle.Idempotent)
        {
            request.Producer = EntryMapping.ToWire(new ProducerStamp(_producer, batch.ProducerEpoch, batch.Sequence));
            key = new ProducerKey(_producer, batch.ProducerEpoch, batch.Sequence);
        }

        if (_style == AppendStyle.Conditional)
            request.ExpectedOffset = batch.Expected = _expected;
        batch.Op = _world.History.InvokeAppend(
            _life.Name, _log.Name, batch.Payloads.Select(static p => (ReadOnlyMemory<byte>)p), key,
            _style == AppendStyle.Conditional ? batch.Expected : null);
        _pending.Enqueue(batch);
        await call.RequestStream.WriteAsync(request);
    }

    private Batch NewBatch()
    {
        _left--;
        var count = 1 + _random.Next(_maxBatch);
        var payloads = new byte[count][];
        for (var i = 0; i < count; i++)
        {
            var size = 28 + _random.Next(Math.Max(1, _maxSize - 28));
            payloads[i] = SelfDescribingPayload.Create(_number, _payloads++, size, _world.Seed);
        }

        var batch = new Batch(payloads, _producerEpoch, _sequence);
        _sequence += (ulong)count;
        return batch;
    }

    private async Task ReadAsync(AsyncDuplexStreamingCall<AppendRequest, AppendReply> call)
    {
        try
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
                OnReply(call.ResponseStream.Current);
        }
        catch (RpcException)
        {
            // The stream broke.
        }

        _mustStop = true;
    }

    private void OnReply(AppendReply reply)
    {
        var batch = _pending.Dequeue();
        var result = AppendMapping.ToResult(reply);
        switch (result.Outcome)
        {
            case AppendOutcome.Ok:
                OnOk(batch, result.FirstOffset.Value);
                break;
            case AppendOutcome.NotAppended:
                var error = result.Error!;
                _world.Coverage.Count("append refused " + error.Reason);
                _world.History.NotAppended(batch.Op, error.Reason, error.Offset?.Value);
                OnRefused(batch, error);
                break;
            default:
                OnUnknown(batch, result.Error!.Reason);
                break;
        }
    }

    private void OnOk(Batch batch, ulong offset)
    {
        _world.Coverage.Count("append ok");
        _world.History.AppendOk(batch.Op, offset);
        var end = offset + (ulong)batch.Payloads.Length;
        _life.Note("ok", $"{_log.Name} {offset}..{end - 1}");
        _log.AcknowledgedEnd = Math.Max(_log.AcknowledgedEnd, end);
        _expected = end;
    }

    private void OnRefused(Batch batch, WoodpeckerException error)
    {
        if (error.Reason == "UnknownLog" || error.Kind == ErrorKind.NotFound)
            _left = 0;
        if (error.Offset is { } next && _style == AppendStyle.Conditional)
            _expected = next.Value;
        if (_style != AppendStyle.Idempotent)
            return;
        _mustStop = true;
        if (error.Reason is "DuplicateTooOld" or "ProducerFenced")
            NewProducerEpoch();
        else
            _repeat.Add(batch);
    }

    private void OnUnknown(Batch batch, string reason)
    {
        _world.Coverage.Count("append indeterminate " + reason);
        _world.History.Indeterminate(batch.Op, reason);
        _mustStop = true;
        if (_style == AppendStyle.Idempotent)
            _repeat.Add(batch);
    }

    // What was unknown stays unknown; the producer begins again under a higher epoch.
    private void NewProducerEpoch()
    {
        _repeat.Clear();
        _producerEpoch++;
        _sequence = 0;
    }

    private sealed class Batch(byte[][] payloads, uint producerEpoch, ulong sequence)
    {
        public byte[][] Payloads { get; } = payloads;

        public uint ProducerEpoch { get; } = producerEpoch;

        public ulong Sequence { get; } = sequence;

        public ulong Expected { get; set; }

        public long Op { get; set; }
    }
}
