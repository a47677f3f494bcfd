using System.Text;
using CsCheck;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Woodpecker.Client;

namespace Woodpecker.Services.Tests.Client;

public sealed class LogWriterTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    [Fact] // INV-4, INV-5, INV-29
    public async Task IdempotentAppends_AreInTheLogOnceAndInOrder_WhateverBreaks()
    {
        await Gen.Int[0, 1_000_000].SampleAsync(
            async seed =>
            {
                var random = new Random(seed);
                // Faults end after a while, so that the run does.
                var writer = new FaultyWriter(
                    request => request < 120 && random.Next(4) == 0 ? (Fault)random.Next(1, 5) : Fault.None);
                await using var host = await StartAsync(writer);
                await using var client = host.Connect();
                var count = 400;
                var options = new LogWriterOptions { MaxBatchEntries = 5 };
                var offsets = await AppendAsync(client, options, count);

                Assert.Equal(Enumerable.Range(0, count).Select(Payload), writer.Entries);
                Assert.Equal(Enumerable.Range(0, count).Select(i => (ulong)i), offsets);
            },
            iter: 12,
            threads: 1);
    }

    [Fact] // P3
    public async Task AppendsWithoutProducer_AreNeverRepeated_WhenTheStreamBreaks()
    {
        var writer = new FaultyWriter(request => request == 0 ? Fault.BreakAfter : Fault.None);
        await using var host = await StartAsync(writer);
        await using var client = host.Connect();
        await using var log = client.OpenWriter(FaultyWriter.Log, new LogWriterOptions { IsIdempotent = false });

        var first = await (await log.EnqueueAsync(new NewEntry(Payload(0)))).WaitAsync().AsTask().WaitAsync(_limit);
        var second = await (await log.EnqueueAsync(new NewEntry(Payload(1)))).WaitAsync().AsTask().WaitAsync(_limit);

        Assert.Equal(AppendOutcome.Indeterminate, first.Outcome);
        Assert.Equal((AppendOutcome.Ok, 1UL), (second.Outcome, second.FirstOffset.Value));
        Assert.Equal(2, writer.Entries.Count);
    }

    [Fact] // P1, P4
    public async Task ARefusedBatch_DoesNotHoldUpThoseBehindIt()
    {
        var writer = new FaultyWriter(static _ => Fault.None);
        await using var host = await StartAsync(writer);
        await using var client = host.Connect();
        await using var log = client.OpenWriter(FaultyWriter.Log);

        var wrong = new AppendOptions { ExpectedOffset = new Offset(77) };
        var tickets = new List<AppendTicket>();
        for (var i = 0; i < 20; i++)
            tickets.Add(await log.EnqueueAsync([new NewEntry(Payload(i))], i % 5 == 2 ? wrong : null));
        var outcomes = new List<AppendOutcome>();
        foreach (var ticket in tickets)
            outcomes.Add((await ticket.WaitAsync().AsTask().WaitAsync(_limit)).Outcome);

        Assert.Equal(
            Enumerable.Range(0, 20).Select(i => i % 5 == 2 ? AppendOutcome.NotAppended : AppendOutcome.Ok), outcomes);
        Assert.Equal(Enumerable.Range(0, 20).Where(i => i % 5 != 2).Select(Payload), writer.Entries);
    }

    [Fact] // P4
    public async Task AMismatch_TellsTheNextOffset_AsATypedError()
    {
        await using var host = await StartAsync(new FaultyWriter(static _ => Fault.None));
        await using var client = host.Connect();

        var result = await client.AppendAsync(
            FaultyWriter.Log, [new NewEntry(Payload(0))], new AppendOptions { ExpectedOffset = new Offset(5) });

        var error = Assert.Throws<WoodpeckerException>(() => result.EnsureOk());
        Assert.Equal((ErrorKind.Mismatch, "OffsetMismatch", new Offset(0)), (error.Kind, error.Reason, error.Offset));
        Assert.False(error.IsRetryable);
    }

    [Fact] // INV-35
    public async Task ABatch_StaysTogether_AndGetsConsecutiveOffsets()
    {
        var writer = new FaultyWriter(static _ => Fault.None);
        await using var host = await StartAsync(writer);
        await using var client = host.Connect();

        await client.AppendAsync(FaultyWriter.Log, Payload(9));
        var result = await client.AppendAsync(FaultyWriter.Log, [new NewEntry(Payload(0)), new NewEntry(Payload(1))]);

        Assert.Equal((1UL, 2UL, 2), (result.FirstOffset.Value, result.LastOffset.Value, result.Count));
    }

    [Fact]
    public async Task AnUnknownLog_IsNotFound_AndNothingWasAppended()
    {
        await using var host = await StartAsync(new FaultyWriter(static _ => Fault.None));
        await using var client = host.Connect();

        var result = await client.AppendAsync("other", Payload(0)).AsTask().WaitAsync(_limit);

        Assert.Equal((AppendOutcome.NotAppended, ErrorKind.NotFound), (result.Outcome, result.Error!.Kind));
    }

    [Fact] // W7
    public async Task AWriterThatNeverAnswers_EndsIndeterminate_AfterTheRetryPatience()
    {
        await using var host = await StartAsync(new FaultyWriter(static _ => Fault.Silence));
        await using var client = host.Connect();
        await using var log = client.OpenWriter(FaultyWriter.Log, new LogWriterOptions
        {
            ReplyPatience = TimeSpan.FromMilliseconds(200),
            RetryPatience = TimeSpan.FromMilliseconds(600),
        });

        var ticket = await log.EnqueueAsync(new NewEntry(Payload(0)));
        var result = await ticket.WaitAsync().AsTask().WaitAsync(_limit);

        Assert.Equal(AppendOutcome.Indeterminate, result.Outcome);
    }

    [Fact] // W7: every attempt was refused, so nothing is unknown
    public async Task AWriterThatAlwaysRefuses_EndsNotAppended_AfterTheRetryPatience()
    {
        await using var host = await StartAsync(new FaultyWriter(static _ => Fault.Refuse));
        await using var client = host.Connect();
        await using var log = client.OpenWriter(
            FaultyWriter.Log, new LogWriterOptions { RetryPatience = TimeSpan.FromMilliseconds(400) });

        AppendTicket[] tickets =
        [
            await log.EnqueueAsync([new NewEntry(Payload(0))]),
            await log.EnqueueAsync([new NewEntry(Payload(1))]),
        ];
        foreach (var ticket in tickets)
        {
            var result = await ticket.WaitAsync().AsTask().WaitAsync(_limit);
            Assert.Equal((AppendOutcome.NotAppended, ErrorKind.Unavailable), (result.Outcome, result.Error!.Kind));
        }
    }

    [Fact] // W7: a broken attempt before the refusals leaves a doubt
    public async Task ARefusalAfterABrokenStream_IsNoProof()
    {
        var writer = new FaultyWriter(static request => request == 0 ? Fault.BreakAfter : Fault.Refuse);
        await using var host = await StartAsync(writer);
        await using var client = host.Connect();
        await using var log = client.OpenWriter(
            FaultyWriter.Log, new LogWriterOptions { RetryPatience = TimeSpan.FromMilliseconds(400) });

        var ticket = await log.EnqueueAsync(new NewEntry(Payload(0)));
        var result = await ticket.WaitAsync().AsTask().WaitAsync(_limit);

        Assert.Equal(AppendOutcome.Indeterminate, result.Outcome);
        Assert.Single(writer.Entries);
    }

    [Fact] // INV-32
    public async Task Accepting_Waits_WhileTheBufferIsFull_AndGoesOnAfterwards()
    {
        var isOpen = false;
        var writer = new FaultyWriter(_ => Volatile.Read(ref isOpen) ? Fault.None : Fault.Refuse);
        await using var host = await StartAsync(writer);
        await using var client = host.Connect();
        await using var log = client.OpenWriter(
            FaultyWriter.Log, new LogWriterOptions { MaxBatchBytes = 1_000, MaxBufferedBytes = 10_000 });

        var tickets = new List<AppendTicket>();
        var payload = new byte[900];
        ValueTask<AppendTicket> next;
        while ((next = log.EnqueueAsync(new NewEntry(payload))).IsCompleted)
            tickets.Add(await next);
        Assert.InRange(tickets.Count, 9, 11);

        Volatile.Write(ref isOpen, true);
        tickets.Add(await next.AsTask().WaitAsync(_limit));
        foreach (var ticket in tickets)
            (await ticket.WaitAsync().AsTask().WaitAsync(_limit)).EnsureOk();
        Assert.Equal(tickets.Count, writer.Entries.Count);
    }

    [Fact]
    public async Task ALimit_IsCheckedBeforeAnythingIsSent()
    {
        var writer = new FaultyWriter(static _ => Fault.None);
        await using var host = await StartAsync(writer);
        await using var client = host.Connect();
        var tooMany = Enumerable.Repeat(new NewEntry(Payload(0)), Limits.MaxBatchEntries + 1).ToArray();

        var count = await Assert.ThrowsAsync<WoodpeckerException>(
            async () => await client.AppendAsync(FaultyWriter.Log, tooMany));
        var size = await Assert.ThrowsAsync<WoodpeckerException>(
            async () => await client.AppendAsync(FaultyWriter.Log, new byte[Limits.MaxEntrySize + 1]));
        var name = await Assert.ThrowsAsync<WoodpeckerException>(
            async () => await client.AppendAsync("Not A Name", Payload(0)));

        Assert.All([count, size, name], static error => Assert.Equal(ErrorKind.Invalid, error.Kind));
        Assert.Equal(0, writer.Streams);
    }

    [Fact]
    public async Task Disposing_WaitsForWhatWasAccepted_AndRefusesMore()
    {
        var writer = new FaultyWriter(static _ => Fault.None);
        await using var host = await StartAsync(writer);
        await using var client = host.Connect();
        var log = client.OpenWriter(FaultyWriter.Log);
        for (var i = 0; i < 100; i++)
            await log.EnqueueAsync(new NewEntry(Payload(i)));

        await log.DisposeAsync().AsTask().WaitAsync(_limit);

        Assert.Equal(100, writer.Entries.Count);
        var error = await Assert.ThrowsAsync<WoodpeckerException>(
            async () => await log.EnqueueAsync(new NewEntry(Payload(0))));
        Assert.Equal(ErrorKind.Closed, error.Kind);
    }

    private static byte[] Payload(int number) => Encoding.ASCII.GetBytes($"entry {number}");

    private static Task<InProcessHost> StartAsync(FaultyWriter writer) => InProcessHost.StartAsync(
        services => services.AddSingleton(writer), static app => app.MapGrpcService<FaultyWriter>());

    private static async Task<List<ulong>> AppendAsync(WoodpeckerClient client, LogWriterOptions options, int count)
    {
        await using var log = client.OpenWriter(FaultyWriter.Log, options);
        var tickets = new List<AppendTicket>();
        for (var i = 0; i < count; i++)
            tickets.Add(await log.EnqueueAsync(new NewEntry(Payload(i))));
        var offsets = new List<ulong>();
        foreach (var ticket in tickets)
            offsets.Add((await ticket.WaitAsync().AsTask().WaitAsync(_limit)).EnsureOk().Value);
        return offsets;
    }
}
