using System.Buffers;
using System.Globalization;

namespace Woodpecker.Storage.Objects;

/// <summary>
/// Tries at start-up what a store really guarantees (U9). A missing guarantee stops the start with advice; nothing is
/// remembered and nothing is downgraded (a persisted wrong capability is a known source of silent loss).
/// </summary>
/// <remarks>Writes a few small objects below <c>probe/</c> and deletes them again. Give it the store without retries.</remarks>
/// <param name="store">The store as the adapter offers it.</param>
/// <param name="timeProvider">For pauses between tries when the store does not answer.</param>
/// <param name="random">Makes the probe's keys unique; not shared with other threads.</param>
/// <param name="traits">
/// With <see cref="SlotFence.EtcdVerify"/> conditional puts are not asked for; everything else is. Null: the default.
/// </param>
public sealed class ObjectStoreProbe(
    IObjectStore store, TimeProvider timeProvider, Random random, ObjectStoreTraits? traits = null)
{
    private const string WithoutConditions =
        " Or, where no such store can be had, add fence=etcd-verify to the connection string of the object store: then "
        + "MemoryBuffer logs pay one transaction in metadata per acknowledgement instead.";

    /// <summary>Parallel puts of one key, of which exactly one may win.</summary>
    private const int Racers = 16;

    /// <summary>Whole tries while the store is merely unreachable.</summary>
    private const int MaxAttempts = 5;

    private const int ContentSize = 1000;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly List<ObjectKey> _keys = [];

    /// <summary>The store that is tried, for people.</summary>
    public string StoreDescription => store.Description;

    /// <summary>Runs the probe.</summary>
    /// <exception cref="ObjectStoreException">Unsupported with advice, Denied, or Unavailable if the store stays out of reach.</exception>
    public async ValueTask<ObjectStoreCapabilities> RunAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await RunOnceAsync(cancellationToken);
            }
            catch (ObjectStoreException e) when (
                e.Kind is ObjectStoreErrorKind.Unavailable or ObjectStoreErrorKind.Unknown && attempt < MaxAttempts)
            {
                await Task.Delay(Pause, timeProvider, cancellationToken);
            }
            finally
            {
                await CleanAsync(cancellationToken);
            }
        }
    }

    private async ValueTask<ObjectStoreCapabilities> RunOnceAsync(CancellationToken cancellationToken)
    {
        List<string> notes = [];
        if (store is IObjectStoreHazards hazards)
        {
            var (refusals, unknowns) = await hazards.FindHazardsAsync(cancellationToken);
            if (refusals.Count > 0)
                throw Refused(string.Join(" ", refusals));
            notes.AddRange(unknowns);
        }

        var run = random.NextInt64().ToString("x16", CultureInfo.InvariantCulture);
        var needsConditions = (traits ?? ObjectStoreTraits.Default).Fence == SlotFence.Conditional;
        var first = needsConditions
            ? await ProbePutIfAbsentAsync(Key(run, "once"), cancellationToken)
            : await ProbePutAsync(Key(run, "once"), cancellationToken);
        await ProbeReadsAsync(Key(run, "once"), first, cancellationToken);
        await ProbeListingAsync(run, cancellationToken);
        if (needsConditions)
            await ProbeRaceAsync(Key(run, "race"), cancellationToken);
        var verified = await ProbeChecksumAsync(Key(run, "checksum"), cancellationToken);
        await ProbeDeleteAsync(Key(run, "once"), cancellationToken);
        return new ObjectStoreCapabilities(verified, notes);
    }

    private async ValueTask<byte[]> ProbePutIfAbsentAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var (mine, other) = (Content(), Content());
        try
        {
            await PutAsync(key, mine, cancellationToken);
        }
        catch (ObjectStoreException e) when (e.Kind is ObjectStoreErrorKind.Unsupported)
        {
            throw Refused($"It refuses conditional puts (If-None-Match: *): {e.Message}" + WithoutConditions);
        }

        if (await PutAsync(key, other, cancellationToken) == PutOutcome.Created)
        {
            throw Refused(
                "It accepts a conditional put (If-None-Match: *) over an existing object and reports success: it ignores "
                + "the condition. Two writers could overwrite each other's acknowledged data. Use a store that honours "
                + "conditional puts (for example Amazon S3 or Ceph radosgw) or the file store." + WithoutConditions);
        }

        await ExpectContentAsync(key, mine, "after a refused second put the object had changed", cancellationToken);
        return mine;
    }

    private async ValueTask<byte[]> ProbePutAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var content = Content();
        await PutAsync(key, content, cancellationToken);
        // A put whose answer was lost is sent again, with the same bytes (B3, U4): that must be harmless.
        await PutAsync(key, content, cancellationToken);
        await ExpectContentAsync(key, content, "after a second put of the same bytes the object had changed", cancellationToken);
        return content;
    }

    private async ValueTask ProbeRaceAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var contents = new byte[Racers][];
        var puts = new Task<PutOutcome>[Racers];
        for (var i = 0; i < Racers; i++)
        {
            contents[i] = Content();
            puts[i] = PutAsync(key, contents[i], cancellationToken).AsTask();
        }

        var outcomes = await Task.WhenAll(puts);
        var winners = outcomes.Count(static outcome => outcome == PutOutcome.Created);
        if (winners != 1)
        {
            throw Refused(
                $"Of {Racers} parallel conditional puts of one key {winners} were reported as the creator; exactly one "
                + "must win. Its conditional puts are not atomic; use a store whose are." + WithoutConditions);
        }

        var winner = contents[Array.IndexOf(outcomes, PutOutcome.Created)];
        await ExpectContentAsync(key, winner, "the object is not the one whose put was reported as the creator", cancellationToken);
    }

    private async ValueTask ProbeReadsAsync(ObjectKey key, byte[] content, CancellationToken cancellationToken)
    {
        await ExpectRangeAsync(key, ByteRange.From(100, 50), content.AsMemory(100, 50), cancellationToken);
        await ExpectRangeAsync(key, ByteRange.Suffix(64), content.AsMemory(ContentSize - 64), cancellationToken);
        await ExpectRangeAsync(key, ByteRange.From(ContentSize - 10, 500), content.AsMemory(ContentSize - 10), cancellationToken);
        var info = await store.HeadAsync(key, cancellationToken);
        if (info is not { Length: ContentSize } || info.Value.Crc32C != ObjectChecksum.Of(content))
        {
            throw Refused(
                "It does not give back the length and CRC32C that were stored with an object. A gateway may strip "
                + "object metadata; let it pass the x-amz-meta-* headers.");
        }
    }

    private async ValueTask ProbeListingAsync(string run, CancellationToken cancellationToken)
    {
        var key = Key(run, "listed");
        await PutAsync(key, Content(), cancellationToken);
        await foreach (var info in store.ListAsync($"probe/{run}-", null, cancellationToken))
        {
            if (info.Key == key)
                return;
        }

        throw Refused("An object is missing from a listing made right after its put; listings must be consistent.");
    }

    private async ValueTask<bool> ProbeChecksumAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var content = Content();
        try
        {
            await store.PutIfAbsentAsync(
                key, new ReadOnlySequence<byte>(content), ObjectChecksum.Of(content) ^ 1, cancellationToken);
            return false;
        }
        catch (ObjectStoreException e) when (e.Kind == ObjectStoreErrorKind.Corrupt)
        {
            return true;
        }
    }

    private async ValueTask ProbeDeleteAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        await store.DeleteAsync(key, cancellationToken);
        await store.DeleteAsync(key, cancellationToken);
        if (await store.HeadAsync(key, cancellationToken) is not null)
            throw Refused("A deleted object is still there; deletions must take effect at once.");
        if (await store.GetAsync(key, ByteRange.Whole, ContentSize, cancellationToken) is not null)
            throw Refused("A deleted object can still be read; deletions must take effect at once.");
    }

    private async ValueTask ExpectContentAsync(
        ObjectKey key, byte[] content, string otherwise, CancellationToken cancellationToken)
    {
        var data = await store.GetAsync(key, ByteRange.Whole, ContentSize, cancellationToken);
        if (data is null)
            throw Refused("An object cannot be read right after its put; reads after writes must be consistent.");
        if (!data.Value.Bytes.Span.SequenceEqual(content))
            throw Refused($"Of one key, {otherwise}; its puts cannot be relied on.");
    }

    private async ValueTask ExpectRangeAsync(
        ObjectKey key, ByteRange range, ReadOnlyMemory<byte> expected, CancellationToken cancellationToken)
    {
        var data = await store.GetAsync(key, range, ContentSize, cancellationToken);
        if (data is not { ObjectLength: ContentSize } found || !found.Bytes.Span.SequenceEqual(expected.Span))
            throw Refused("Ranged reads give other bytes than asked for; the store or a proxy before it must honour Range.");
    }

    private ValueTask<PutOutcome> PutAsync(ObjectKey key, byte[] content, CancellationToken cancellationToken) =>
        store.PutIfAbsentAsync(key, new ReadOnlySequence<byte>(content), ObjectChecksum.Of(content), cancellationToken);

    private byte[] Content()
    {
        var content = new byte[ContentSize];
        random.NextBytes(content);
        return content;
    }

    private ObjectKey Key(string run, string name)
    {
        var key = new ObjectKey($"probe/{run}-{name}");
        if (!_keys.Contains(key))
            _keys.Add(key);
        return key;
    }

    private async ValueTask CleanAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var key in _keys)
                await store.DeleteAsync(key, cancellationToken);
            _keys.Clear();
        }
        catch (Exception e) when (e is ObjectStoreException or OperationCanceledException)
        {
            // Harmless leftovers of 1,000 bytes; the probe's own answer matters more.
        }
    }

    private ObjectStoreException Refused(string advice) => new(
        ObjectStoreErrorKind.Unsupported, $"The object store ({store.Description}) cannot be used. {advice}");
}
