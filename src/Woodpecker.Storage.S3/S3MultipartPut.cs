using System.Buffers;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.S3;

/// <summary>Puts a large object in parts, with the condition on the completion (U5).</summary>
/// <remarks>
/// Some servers accept that condition and ignore it. So the first large put tries it on a small object of the probe; if
/// it is ignored, large objects go up in one request, whose condition start-up has proved.
/// </remarks>
internal sealed class S3MultipartPut(IAmazonS3 client, S3ObjectStoreOptions options, bool? disablePayloadSigning)
{
    private const string Condition = "*";
    private static readonly TimeSpan AbortTimeout = TimeSpan.FromSeconds(10);

    private const int Unknown = 0;
    private const int Honoured = 1;
    private const int Ignored = 2;

    // Two first puts at once both try it: the answer is the same.
    private int _condition = options.PutsConditionally ? Unknown : Honoured;

    /// <summary>
    /// Whether the server refuses to complete a conditional put in parts over an existing object, or need not.
    /// </summary>
    public async ValueTask<bool> IsConditionalAsync(string probeName, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _condition) == Unknown)
        {
            var isHonoured = await TryConditionAsync(probeName, cancellationToken).ConfigureAwait(false);
            Volatile.Write(ref _condition, isHonoured ? Honoured : Ignored);
        }

        return Volatile.Read(ref _condition) == Honoured;
    }

    public async ValueTask PutAsync(
        string name, ReadOnlySequence<byte> content, uint crc32C, (string Field, string Value)[] metadata,
        CancellationToken cancellationToken)
    {
        var start = new InitiateMultipartUploadRequest
        {
            BucketName = options.Bucket,
            Key = name,
            ChecksumAlgorithm = ChecksumAlgorithm.CRC32C,
            ChecksumType = ChecksumType.FULL_OBJECT,
            ContentType = "application/octet-stream",
        };
        foreach (var (field, value) in metadata)
            start.Metadata[field] = value;
        var uploadId = (await client.InitiateMultipartUploadAsync(start, cancellationToken).ConfigureAwait(false)).UploadId;
        var isComplete = false;
        try
        {
            var parts = await PutPartsAsync(name, uploadId, content, cancellationToken).ConfigureAwait(false);
            var complete = new CompleteMultipartUploadRequest
            {
                BucketName = options.Bucket,
                Key = name,
                UploadId = uploadId,
                PartETags = parts,
                IfNoneMatch = options.PutsConditionally ? Condition : null,
                ChecksumCRC32C = S3Fields.Encode(crc32C),
                ChecksumType = ChecksumType.FULL_OBJECT,
                MpuObjectSize = content.Length,
            };
            var answer = await client.CompleteMultipartUploadAsync(complete, cancellationToken).ConfigureAwait(false);
            if (string.IsNullOrEmpty(answer.ETag))
                throw new ObjectStoreException(ObjectStoreErrorKind.Unknown, $"The put of '{name}' in parts was answered without an ETag.");
            isComplete = true;
        }
        finally
        {
            if (!isComplete)
                await AbortAsync(name, uploadId).ConfigureAwait(false);
        }
    }

    private async ValueTask<List<PartETag>> PutPartsAsync(
        string name, string uploadId, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        List<PartETag> parts = [];
        do
        {
            var part = content.Slice(0, Math.Min(options.PartSize, content.Length));
            var checksum = S3Fields.Encode(ObjectChecksum.Of(part));
            var request = new UploadPartRequest
            {
                BucketName = options.Bucket,
                Key = name,
                UploadId = uploadId,
                PartNumber = parts.Count + 1,
                InputStream = new SequenceStream(part),
                PartSize = part.Length,
                UseChunkEncoding = false,
                DisablePayloadSigning = disablePayloadSigning,
                DisableDefaultChecksumValidation = true,
                ChecksumCRC32C = checksum,
            };
            var answer = await client.UploadPartAsync(request, cancellationToken).ConfigureAwait(false);
            parts.Add(new PartETag(request.PartNumber.Value, answer.ETag) { ChecksumCRC32C = checksum });
            content = content.Slice(part.Length);
        }
        while (!content.IsEmpty);
        return parts;
    }

    private async ValueTask<bool> TryConditionAsync(string name, CancellationToken cancellationToken)
    {
        var content = new ReadOnlySequence<byte>(new byte[] { 1 });
        var crc32C = ObjectChecksum.Of(content);
        try
        {
            // Leaves an object there, whether it is the first try of any process or not; the second must be refused.
            try
            {
                await PutAsync(name, content, crc32C, [], cancellationToken).ConfigureAwait(false);
            }
            catch (AmazonS3Exception e) when (S3Errors.IsExists(e))
            {
                return true;
            }

            await PutAsync(name, content, crc32C, [], cancellationToken).ConfigureAwait(false);
            return false;
        }
        catch (AmazonS3Exception e) when (S3Errors.IsExists(e))
        {
            return true;
        }
        catch (AmazonS3Exception e) when ((int)e.StatusCode is 400 or 501)
        {
            return false; // No such put at all, or not with these checksums.
        }
        catch (ObjectStoreException e) when (e.Kind == ObjectStoreErrorKind.Unknown)
        {
            return false; // An answer that is neither success nor refusal is no proof of the condition.
        }
    }

    private async ValueTask AbortAsync(string name, string uploadId)
    {
        using var deadline = new CancellationTokenSource(AbortTimeout);
        try
        {
            await client.AbortMultipartUploadAsync(options.Bucket, name, uploadId, deadline.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException or OperationCanceledException or HttpRequestException)
        {
            // Parts of an abandoned put are removed by the bucket's lifecycle rule (U5); the first failure is the one to report.
        }
    }
}
