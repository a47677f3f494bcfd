using Woodpecker.Reading;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Metadata.Json;
using Woodpecker.Storage.Metadata.Values;
using Woodpecker.Storage.Reading;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.Services.Tests.Reader;

/// <summary>What is being read is kept from the collector: leased, independent of progress, made again when lost (V8).</summary>
public sealed class ReaderPinTests
{
    private static readonly ReadLimits _one = new(1, 100_000);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AReaderOfHistory_IsPinned_WhetherItMovesOrNot_AndTheTailPinsNothing() // V8, V5, C3
    {
        await using var host = await ReaderHost.StartAsync(("Woodpecker:Reader:PinMilliseconds", "100"));
        await host.Log.OpenAsync(0, 0, 5, 4);
        using var slow = await host.Pool.OpenAsync("demo", Token);
        using var ahead = await host.Pool.OpenAsync("demo", Token);
        await ReadAsync(slow, 0);
        await ReadAsync(slow, 1);
        await ReadAsync(ahead, 0);
        await ReadAsync(ahead, 3);
        var pin = await PinAsync(host, slow, new Offset(1));
        Assert.NotEqual(0, pin.LeaseId);

        // Stands still for longer than the period: kept by its lease, not by progress.
        await Task.Delay(500, Token);
        Assert.Equal(pin.ModRevision, (await PinAsync(host, slow, new Offset(1))).ModRevision);

        // The lease is lost: the pin goes with it and comes back.
        await host.Log.Metadata.RevokeLeaseAsync(pin.LeaseId, Token);
        await Eventually.BecomesTrueAsync("the pin is made again", async () =>
            await FindAsync(host, slow) is { } again && again.LeaseId != pin.LeaseId);

        await ReadAsync(slow, 4);
        await PinAsync(host, slow, new Offset(3));

        // At the tail nothing is history any more.
        await slow.Reader.ReadAsync(new Offset(5), _one, TimeSpan.Zero, Token);
        ahead.Dispose();
        await Eventually.BecomesTrueAsync("no pin is left", async () => await FindAsync(host, slow) is null);
    }

    private static async Task ReadAsync(Woodpecker.Reader.ReaderLease lease, ulong offset)
    {
        var outcome = await lease.Reader.ReadAsync(new Offset(offset), _one, TimeSpan.Zero, Token);
        Assert.Equal(ReadOutcomeKind.Entries, outcome.Kind);
    }

    private static async Task<MetadataEntry> PinAsync(ReaderHost host, Woodpecker.Reader.ReaderLease lease, Offset expected)
    {
        MetadataEntry? pin = null;
        await Eventually.BecomesTrueAsync($"the pin is at {expected}", async () =>
        {
            pin = await FindAsync(host, lease);
            return pin is not null && MetadataJson.Read<ReaderPinValue>(pin).MinOffset == expected;
        });
        return pin!;
    }

    private static async Task<MetadataEntry?> FindAsync(ReaderHost host, Woodpecker.Reader.ReaderLease lease)
    {
        var pins = await host.Log.Metadata.ListAsync(MetadataKeys.ReaderPrefix(lease.Reader.Log), Token);
        Assert.InRange(pins.Entries.Count, 0, 1);
        return pins.Entries.Count == 0 ? null : pins.Entries[0];
    }
}
