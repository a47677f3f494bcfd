using System.Buffers;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.S3;

/// <summary>Objects in a bucket of Amazon S3 or a compatible server.</summary>
/// <remarks>
/// Puts are conditional (If-None-Match: *) unless the options say otherwise, carry their CRC32C for the server to check and keep it, with the length, as
/// user metadata too, because compatible servers often ignore the former. The SDK's own retries and checksums are off:
/// <see cref="RetryingObjectStore"/> retries, and its trailing checksums break several servers. Over TLS the payload is
/// not hashed for the signature; over plain HTTP the SDK insists on it.
/// An answer without an ETag is no success: gateways are known to answer 200 with an error body.
/// </remarks>
public sealed class S3ObjectStore : IObjectStore, IObjectStoreHazards, IDisposable
{
    private const string Condition = "*";
    private const int PageSize = 1000;

    private readonly IAmazonS3 _client;
    private readonly S3HttpClientFactory _http;
    private readonly S3ObjectStoreOptions _options;
    private readonly string _prefix;
    private readonly bool? _disablePayloadSigning;
    private readonly S3MultipartPut _multipart;

    private S3ObjectStore(IAmazonS3 client, S3HttpClientFactory http, S3ObjectStoreOptions options)
    {
        _client = client;
        _http = http;
        _options = options;
        _prefix = options.Prefix.Length == 0 ? "" : options.Prefix + "/";
        _disablePayloadSigning = options.Endpoint is { Scheme: "http" } ? null : true;
        _multipart = new S3MultipartPut(client, options, _disablePayloadSigning);
    }

    /// <inheritdoc/>
    public string Description => _options.Endpoint is { } endpoint
        ? $"bucket {_options.Bucket} at {endpoint.GetLeftPart(UriPartial.Authority)}"
        : $"bucket {_options.Bucket} at Amazon S3";

    /// <summary>Makes the store; does not touch the server.</summary>
    /// <exception cref="ObjectStoreException">Invalid: no region can be found.</exception>
    public static S3ObjectStore Create(S3ObjectStoreOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.PartSize, S3ObjectStoreOptions.MinPartSize);
        var config = new AmazonS3Config
        {
            ForcePathStyle = options.UsePathStyle,
            MaxErrorRetry = 0,
            MaxStaleConnectionRetries = 0,
            ThrottleRetries = false,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (options.Endpoint is not null)
        {
            config.ServiceURL = options.Endpoint.AbsoluteUri;
            config.AuthenticationRegion = options.Region ?? "us-east-1";
        }
        else if (options.Region is not null)
        {
            config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(options.Region);
        }
        else if (config.RegionEndpoint is null)
        {
            throw new ObjectStoreException(
                ObjectStoreErrorKind.Invalid,
                $"No region is known for bucket '{options.Bucket}'; add region= to the connection string or set AWS_REGION.");
        }

        var http = new S3HttpClientFactory(options);
        config.HttpClientFactory = options.Connections ?? http;
        IAmazonS3 client = options.Credentials is null
            ? new AmazonS3Client(config)
            : new AmazonS3Client(options.Credentials, config);
        return new S3ObjectStore(client, http, options);
    }

    /// <inheritdoc/>
    public async ValueTask<PutOutcome> PutIfAbsentAsync(
        ObjectKey key, ReadOnlySequence<byte> content, uint crc32C, CancellationToken cancellationToken)
    {
        var name = NameOf(key);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            if (content.Length > _options.MultipartThreshold
                && await _multipart.IsConditionalAsync($"{_prefix}probe/multipart", cancellationToken).ConfigureAwait(false))
            {
                await _multipart.PutAsync(name, content, crc32C, S3Fields.Metadata(content.Length, crc32C), cancellationToken)
                    .ConfigureAwait(false);
                return PutOutcome.Created;
            }

            var request = new PutObjectRequest
            {
                BucketName = _options.Bucket,
                Key = name,
                InputStream = new SequenceStream(content),
                AutoCloseStream = false,
                IfNoneMatch = _options.PutsConditionally ? Condition : null,
                ChecksumCRC32C = S3Fields.Encode(crc32C),
                UseChunkEncoding = false,
                DisablePayloadSigning = _disablePayloadSigning,
                DisableDefaultChecksumValidation = true,
                ContentType = "application/octet-stream",
            };
            foreach (var (field, value) in S3Fields.Metadata(content.Length, crc32C))
                request.Metadata[field] = value;
            var response = await _client.PutObjectAsync(request, cancellationToken).ConfigureAwait(false);
            if (string.IsNullOrEmpty(response.ETag))
                throw new ObjectStoreException(ObjectStoreErrorKind.Unknown, $"The put of '{key}' was answered without an ETag.");
            return PutOutcome.Created;
        }
        catch (AmazonS3Exception e) when (S3Errors.IsExists(e))
        {
            return PutOutcome.Exists;
        }
        catch (Exception e) when (e is not ObjectStoreException)
        {
            throw S3Errors.Translate(e, $"The put of '{key}' failed", isPut: true);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectData?> GetAsync(
        ObjectKey key, Objects.ByteRange range, int maxLength, CancellationToken cancellationToken)
    {
        var request = new GetObjectRequest { BucketName = _options.Bucket, Key = NameOf(key), ByteRange = S3Fields.Encode(range) };
        try
        {
            using var response = await _client.GetObjectAsync(request, cancellationToken).ConfigureAwait(false);
            return await ReadAsync(key, range, maxLength, response, cancellationToken).ConfigureAwait(false);
        }
        catch (AmazonS3Exception e) when (S3Errors.IsAbsent(e))
        {
            return null;
        }
        catch (AmazonS3Exception e) when (S3Errors.IsBeyondEnd(e))
        {
            // Only an empty object has no byte from position 0 on.
            if (range.IsWhole)
                return new ObjectData(ReadOnlyMemory<byte>.Empty, 0, 0);
            throw ObjectReadErrors.BeyondEnd(key, range, objectLength: null);
        }
        catch (Exception e) when (IsForeign(e, cancellationToken))
        {
            throw S3Errors.Translate(e, $"Reading '{key}' failed", isPut: false);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var request = new GetObjectMetadataRequest
        {
            BucketName = _options.Bucket,
            Key = NameOf(key),
            ChecksumMode = ChecksumMode.ENABLED,
        };
        try
        {
            var response = await _client.GetObjectMetadataAsync(request, cancellationToken).ConfigureAwait(false);
            var kept = S3Fields.Decode(response.ChecksumCRC32C) ?? S3Fields.DecodeMetadata(response.Metadata);
            return new ObjectInfo(key, response.ContentLength, kept, S3Fields.TimeOf(response.LastModified));
        }
        catch (AmazonS3Exception e) when (S3Errors.IsAbsent(e))
        {
            return null;
        }
        catch (Exception e) when (IsForeign(e, cancellationToken))
        {
            throw S3Errors.Translate(e, $"Asking for '{key}' failed", isPut: false);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, ObjectKey? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request
        {
            BucketName = _options.Bucket,
            Prefix = _prefix + prefix,
            StartAfter = startAfter is { } after ? _prefix + after.Value : null,
            MaxKeys = PageSize,
        };
        while (true)
        {
            var page = await ListPageAsync(request, cancellationToken).ConfigureAwait(false);
            foreach (var found in page.S3Objects ?? [])
            {
                // Strange keys are not ours; they are neither read nor deleted.
                if (found.Key?.StartsWith(_prefix, StringComparison.Ordinal) != true)
                    continue;
                var key = found.Key[_prefix.Length..];
                if (ObjectKey.IsValid(key))
                    yield return new ObjectInfo(new ObjectKey(key), found.Size ?? 0, Crc32C: null, S3Fields.TimeOf(found.LastModified));
            }

            if (page.IsTruncated != true)
                yield break;
            // A page that leads nowhere, or to itself, would be asked for again for ever.
            if (string.IsNullOrEmpty(page.NextContinuationToken) || page.NextContinuationToken == request.ContinuationToken)
            {
                throw new ObjectStoreException(
                    ObjectStoreErrorKind.Unavailable,
                    $"Listing bucket '{_options.Bucket}' failed: the page is cut off, and the server does not say how to go on.");
            }

            request.ContinuationToken = page.NextContinuationToken;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        try
        {
            await _client.DeleteObjectAsync(_options.Bucket, NameOf(key), cancellationToken).ConfigureAwait(false);
        }
        catch (AmazonS3Exception e) when (S3Errors.IsAbsent(e))
        {
            // Deleting an absent object is success.
        }
        catch (Exception e) when (IsForeign(e, cancellationToken))
        {
            throw S3Errors.Translate(e, $"Deleting '{key}' failed", isPut: false);
        }
    }

    /// <inheritdoc/>
    public ValueTask<(IReadOnlyList<string> Refusals, IReadOnlyList<string> Notes)> FindHazardsAsync(
        CancellationToken cancellationToken) =>
        S3Hazards.FindAsync(_client, _options.Bucket, _prefix, cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _client.Dispose();
        _http.Dispose();
    }

    private static async ValueTask<ObjectData> ReadAsync(
        ObjectKey key, Objects.ByteRange range, int maxLength, GetObjectResponse response, CancellationToken cancellationToken)
    {
        var length = response.ContentLength;
        if (length < 0)
            throw new ObjectStoreException(ObjectStoreErrorKind.Unavailable, $"Reading '{key}' failed: the answer does not tell its length.");
        if (length > maxLength)
            throw ObjectReadErrors.TooLarge(key, length, maxLength);
        var (position, objectLength) = S3Fields.Place(key, range, response);
        var bytes = new byte[length];
        await response.ResponseStream.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
        if (length == objectLength
            && S3Fields.DecodeMetadata(response.Metadata) is { } kept
            && ObjectChecksum.Of(bytes) != kept)
        {
            throw ObjectReadErrors.Damaged(key, "its bytes do not match their checksum");
        }

        return new ObjectData(bytes, position, objectLength);
    }

    private static bool IsForeign(Exception failure, CancellationToken cancellationToken) =>
        failure is not ObjectStoreException
        && !(failure is OperationCanceledException && cancellationToken.IsCancellationRequested);

    private async ValueTask<ListObjectsV2Response> ListPageAsync(
        ListObjectsV2Request request, CancellationToken cancellationToken)
    {
        try
        {
            return await _client.ListObjectsV2Async(request, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsForeign(e, cancellationToken))
        {
            throw S3Errors.Translate(e, $"Listing bucket '{_options.Bucket}' failed", isPut: false);
        }
    }

    private string NameOf(ObjectKey key) => ObjectKey.IsValid(key.Value)
        ? _prefix + key.Value
        : throw new ObjectStoreException(ObjectStoreErrorKind.Invalid, "The object key breaks the grammar of keys.");
}
