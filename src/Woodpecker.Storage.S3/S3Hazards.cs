using System.Net;
using Amazon.S3;
using Amazon.S3.Model;

namespace Woodpecker.Storage.S3;

/// <summary>Settings of a bucket that would break the log: versioning and expiry (U9).</summary>
internal static class S3Hazards
{
    public static async ValueTask<(IReadOnlyList<string> Refusals, IReadOnlyList<string> Notes)> FindAsync(
        IAmazonS3 client, string bucket, string prefix, CancellationToken cancellationToken)
    {
        List<string> refusals = [];
        List<string> notes = [];
        await LookAsync("versioning", notes, async () =>
        {
            var answer = await client.GetBucketVersioningAsync(bucket, cancellationToken).ConfigureAwait(false);
            if (answer.VersioningConfig?.Status == VersionStatus.Enabled)
            {
                refusals.Add($"Bucket '{bucket}' keeps versions, so deleted objects would be kept and paid for ever; use a bucket without versioning.");
            }
        }).ConfigureAwait(false);
        await LookAsync("lifecycle rules", notes, async () =>
        {
            var answer = await client.GetLifecycleConfigurationAsync(bucket, cancellationToken).ConfigureAwait(false);
            foreach (var rule in answer.Configuration?.Rules ?? [])
            {
                if (rule.Status == LifecycleRuleStatus.Enabled && rule.Expiration is not null && Touches(rule, prefix))
                {
                    refusals.Add($"The lifecycle rule '{rule.Id}' of bucket '{bucket}' deletes objects below '{prefix}'; take the prefix out of it.");
                }
            }
        }).ConfigureAwait(false);
        return (refusals, notes);
    }

    private static bool Touches(LifecycleRule rule, string prefix)
    {
        var ruled = rule.Filter?.LifecycleFilterPredicate is LifecyclePrefixPredicate predicate ? predicate.Prefix : "";
        return prefix.StartsWith(ruled, StringComparison.Ordinal) || ruled.StartsWith(prefix, StringComparison.Ordinal);
    }

    private static async ValueTask LookAsync(string what, List<string> notes, Func<Task> look)
    {
        try
        {
            await look().ConfigureAwait(false);
        }
        catch (AmazonS3Exception e) when (e.ErrorCode == "NoSuchLifecycleConfiguration")
        {
            // No rule, no hazard.
        }
        catch (AmazonS3Exception e) when (
            e.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.NotImplemented or HttpStatusCode.MethodNotAllowed
                or HttpStatusCode.BadRequest)
        {
            notes.Add($"The bucket's {what} could not be looked at ({(int)e.StatusCode} {e.ErrorCode}).");
        }
        catch (Exception e) when (e is AmazonS3Exception or HttpRequestException or Amazon.Runtime.AmazonClientException)
        {
            throw S3Errors.Translate(e, $"Looking at the bucket's {what} failed", isPut: false);
        }
    }
}
