using System.Runtime.CompilerServices;
using Etcdserverpb;
using Grpc.Core;
using Woodpecker.Storage.Metadata;

namespace Woodpecker.Metadata.Etcd;

/// <summary>The metadata and lease ports on an etcd cluster of version 3.4 or newer.</summary>
/// <remarks>
/// Threads:     every member may be called from any thread; one channel carries all calls, and is replaced if it falls silent.
/// Durability:  a commit that returned is in etcd's log on a majority of its members.
/// Errors:      <see cref="MetadataException"/>. No call is sent twice. A commit that may have reached etcd and was not
///              answered, also because its caller cancelled, is <see cref="MetadataErrorKind.Unknown"/> (X6); reads and
///              lease calls are <see cref="MetadataErrorKind.Unavailable"/>, or cancelled when the caller cancelled.
/// Source:      etcd's API documentation, version 3.4.
/// </remarks>
public sealed class EtcdMetadataStore : IMetadataStore, ILeaseStore, IDisposable
{
    private const int MaxListRestarts = 5;

    private readonly EtcdMetadataOptions _options;
    private readonly TimeProvider _time;
    private readonly EtcdLink _link;
    private readonly EtcdMessages _messages;

    /// <summary>Prepares the channel; etcd is dialled by the first call.</summary>
    public EtcdMetadataStore(EtcdMetadataOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        _options = options;
        _time = time;
        _link = new EtcdLink(options.Connection, options.CallTimeout, time);
        _messages = new EtcdMessages(options.Connection.Prefix);
    }

    /// <inheritdoc/>
    public async ValueTask<MetadataEntry?> GetAsync(string key, CancellationToken cancellationToken)
    {
        MetadataTransactionRules.CheckKey(key);
        var response = await RangeAsync(_messages.Get(key), cancellationToken).ConfigureAwait(false);
        return response.Kvs.Count == 0 ? null : _messages.ToEntry(response.Kvs[0]);
    }

    /// <inheritdoc/>
    public async ValueTask<MetadataListing> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        MetadataTransactionRules.CheckPrefix(prefix);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await ListOnceAsync(prefix, cancellationToken).ConfigureAwait(false);
            }
            catch (MetadataException failure) when (failure.InnerException is RpcException rpc && EtcdErrors.IsCompacted(rpc))
            {
                // The revision of the first page was compacted before the last page was read: start again.
                if (attempt == MaxListRestarts)
                    throw new MetadataException(
                        MetadataErrorKind.Unavailable, $"etcd compacts faster than '{prefix}' can be listed.", failure);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask<MetadataCommit> CommitAsync(
        MetadataTransaction transaction, CancellationToken cancellationToken)
    {
        MetadataTransactionRules.Check(transaction);
        cancellationToken.ThrowIfCancellationRequested();
        var request = _messages.Transaction(transaction);
        using var limit = new CallLimit(_options.CallTimeout, _time, cancellationToken);
        try
        {
            var response = await _link.Connection.KVClient.TxnAsync(request, cancellationToken: limit.Token).ConfigureAwait(false);
            _link.OnAnswer();
            return _messages.ToCommit(response);
        }
        catch (Exception error) when (EtcdErrors.IsCallFailure(error))
        {
            _link.OnFailure(limit);
            throw EtcdErrors.OfCommit(error);
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<MetadataChange> WatchAsync(
        string prefix, long afterRevision, CancellationToken cancellationToken)
    {
        MetadataTransactionRules.CheckPrefix(prefix);
        ArgumentOutOfRangeException.ThrowIfNegative(afterRevision);
        return WatchCoreAsync(prefix, afterRevision, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeToLive, TimeSpan.Zero);
        var request = new LeaseGrantRequest { TTL = (long)Math.Ceiling(timeToLive.TotalSeconds) };
        var response = await RepeatableAsync(
            (Lease: _link.Connection.LeaseClient, Request: request),
            static (call, token) => call.Lease.LeaseGrantAsync(call.Request, cancellationToken: token).ResponseAsync,
            cancellationToken).ConfigureAwait(false);
        return response.ID;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> KeepLeaseAliveAsync(long leaseId, CancellationToken cancellationToken)
    {
        var remaining = await RepeatableAsync(
            (Lease: _link.Connection.LeaseClient, Id: leaseId),
            static (call, token) => KeepAliveOnceAsync(call.Lease, call.Id, token),
            cancellationToken).ConfigureAwait(false);
        return remaining > 0;
    }

    /// <inheritdoc/>
    public async ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken)
    {
        try
        {
            await RepeatableAsync(
                (Lease: _link.Connection.LeaseClient, Request: new LeaseRevokeRequest { ID = leaseId }),
                static (call, token) =>
                    call.Lease.LeaseRevokeAsync(call.Request, cancellationToken: token).ResponseAsync,
                cancellationToken).ConfigureAwait(false);
        }
        catch (MetadataException failure) when (failure.Kind == MetadataErrorKind.LeaseNotFound)
        {
            // Already ended: that is what the caller wants.
        }
    }

    /// <summary>Closes the channel; calls in flight fail.</summary>
    public void Dispose() => _link.Dispose();

    private static async Task<long> KeepAliveOnceAsync(
        Lease.LeaseClient leases, long leaseId, CancellationToken cancellationToken)
    {
        using var call = leases.LeaseKeepAlive(cancellationToken: cancellationToken);
        await call.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = leaseId }, cancellationToken).ConfigureAwait(false);
        if (!await call.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false))
            throw new RpcException(new Status(StatusCode.Unavailable, "The keep-alive stream ended without an answer."));
        var remaining = call.ResponseStream.Current.TTL;
        await call.RequestStream.CompleteAsync().ConfigureAwait(false);
        return remaining;
    }

    private async ValueTask<MetadataListing> ListOnceAsync(string prefix, CancellationToken cancellationToken)
    {
        var entries = new List<MetadataEntry>();
        var start = _messages.Key(prefix);
        var revision = 0L;
        while (true)
        {
            var request = _messages.Page(start, prefix, _options.ListPageSize, revision);
            var page = await RangeAsync(request, cancellationToken).ConfigureAwait(false);
            // Later pages read at the revision of the first, so the listing is one snapshot.
            if (revision == 0)
                revision = page.Header.Revision;
            foreach (var found in page.Kvs)
                entries.Add(_messages.ToEntry(found));
            if (!page.More)
                return new MetadataListing(entries, revision);
            start = EtcdMessages.After(page.Kvs[^1].Key);
        }
    }

    private ValueTask<RangeResponse> RangeAsync(
        RangeRequest request, CancellationToken cancellationToken) =>
        RepeatableAsync(
        (Kv: _link.Connection.KVClient, Request: request),
        static (call, token) => call.Kv.RangeAsync(call.Request, cancellationToken: token).ResponseAsync,
        cancellationToken);

    private async ValueTask<TResult> RepeatableAsync<TState, TResult>(
        TState state, Func<TState, CancellationToken, Task<TResult>> call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var limit = new CallLimit(_options.CallTimeout, _time, cancellationToken);
        try
        {
            var answer = await call(state, limit.Token).ConfigureAwait(false);
            _link.OnAnswer();
            return answer;
        }
        catch (Exception error) when (EtcdErrors.IsCallFailure(error))
        {
            _link.OnFailure(limit);
            cancellationToken.ThrowIfCancellationRequested();
            throw EtcdErrors.OfRepeatable(error);
        }
    }

    // An own call per watch: the client's watch manager never reopens a stream that ended well and shares its first
    // caller's deadline with everybody. Whatever ends the stream ends the enumeration; the caller reads again (X5).
    private async IAsyncEnumerable<MetadataChange> WatchCoreAsync(
        string prefix, long afterRevision, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        // Without a leader the member ends the stream instead of staying silent.
        var headers = new Grpc.Core.Metadata { { "hasleader", "true" } };
        using var call = _link.Connection.WatchClient.Watch(headers, cancellationToken: cancellationToken);
        if (!await TrySendAsync(call, _messages.Watch(prefix, afterRevision + 1), cancellationToken).ConfigureAwait(false))
            yield break;
        while (await TryReadAsync(call, cancellationToken).ConfigureAwait(false) is { } response)
        {
            foreach (var happened in response.Events)
                yield return _messages.ToChange(happened);
        }
    }

    private static async ValueTask<bool> TrySendAsync(
        AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call, WatchRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await call.RequestStream.WriteAsync(request, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception error) when (EtcdErrors.IsCallFailure(error))
        {
            cancellationToken.ThrowIfCancellationRequested();
            return false;
        }
    }

    private static async ValueTask<WatchResponse?> TryReadAsync(
        AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false)
                && call.ResponseStream.Current is { Canceled: false } response
                ? response
                : null;
        }
        catch (Exception error) when (EtcdErrors.IsCallFailure(error))
        {
            cancellationToken.ThrowIfCancellationRequested();
            return null;
        }
    }
}
