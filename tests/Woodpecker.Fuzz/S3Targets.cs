using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Amazon.Runtime;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.S3;

namespace Woodpecker.Fuzz;

/// <summary>Answers of an S3 server, errors above all: status, headers and body of any kind, through the SDK and the store.</summary>
internal static class S3Targets
{
    private static readonly ObjectKey _key = new("0000000000000007/s.wpb");

    private static readonly int[] _statuses = [200, 206, 204, 301, 304, 307, 400, 403, 404, 409, 412, 416, 429, 500, 501, 503, 507];

    private static readonly string[] _bodies =
    [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>SlowDown</Code><Message>m</Message><RequestId>1</RequestId></Error>",
        "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference</Message></Error>",
        "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>p/a</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents><NextContinuationToken>t</NextContinuationToken></ListBucketResult>",
        "<html><body>502 Bad Gateway</body></html>",
        "",
    ];

    // Set by the target, read by the handler of the same thread.
    private static byte[] _input = [];

    private static readonly S3ObjectStore _store = S3ObjectStore.Create(new S3ObjectStoreOptions
    {
        Bucket = "b",
        Prefix = "p",
        Endpoint = new Uri("http://127.0.0.1:1"),
        Region = "us-east-1",
        UsePathStyle = true,
        Credentials = new BasicAWSCredentials("a", "s"),
        Connections = new CannedFactory(),
    });

    // The SDK itself allocates some hundred kilobytes for a call.
    public static IEnumerable<Target> All =>
        [new("s3-answers", Answer, Enumerable.Range(0, 40).Select(Seed)) { MaxAllocation = 8 << 20, MaxMilliseconds = 100 }];

    private static byte[] Seed(int index) =>
    [
        (byte)(index % 5), (byte)(index % _statuses.Length), (byte)(index * 7),
        .. Encoding.UTF8.GetBytes(_bodies[index % _bodies.Length]),
    ];

    private static void Answer(byte[] input)
    {
        if (input.Length < 3)
            return;
        _input = input;
        try
        {
#pragma warning disable VSTHRD002 // Targets are synchronous: the loop measures the CPU time and memory of its own thread.
            CallAsync(input[0] % 5).AsTask().GetAwaiter().GetResult();
#pragma warning restore VSTHRD002
        }
        catch (ObjectStoreException e)
        {
            Targets.Check(e.Message.Length > 0, "an error says what is wrong");
        }
    }

    private static async ValueTask CallAsync(int operation)
    {
        switch (operation)
        {
            case 0:
                var data = await _store.GetAsync(_key, ByteRange.Whole, 1 << 16, default);
                Targets.Check(data is not { } got || got.Bytes.Length <= 1 << 16, "an object is within its limit");
                break;
            case 1:
                var info = await _store.HeadAsync(_key, default);
                Targets.Check(info is not { } known || known.Length >= 0, "a length is no less than 0");
                break;
            case 2:
                await _store.PutIfAbsentAsync(_key, new ReadOnlySequence<byte>(new byte[10]), 0, default);
                break;
            case 3:
                await foreach (var found in _store.ListAsync("", null, default))
                    Targets.Check(ObjectKey.IsValid(found.Key.Value), "a listed key is a legal one");
                break;
            default:
                await _store.DeleteAsync(_key, default);
                break;
        }
    }

    private sealed class CannedFactory : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(new CannedHandler());

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => true;
    }

    private sealed class CannedHandler : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var (flags, body) = (_input[2], _input.AsSpan(3).ToArray());
            var response = new HttpResponseMessage((HttpStatusCode)_statuses[_input[1] % _statuses.Length])
            {
                RequestMessage = request,
                Content = new ByteArrayContent(body),
            };
            if ((flags & 1) != 0)
                response.Headers.TryAddWithoutValidation("ETag", "\"e\"");
            if ((flags & 2) != 0)
                response.Content.Headers.ContentType = new MediaTypeHeaderValue("application/xml");
            if ((flags & 4) != 0)
                response.Content.Headers.ContentRange = new ContentRangeHeaderValue(flags, flags + body.Length, long.MaxValue);
            if ((flags & 8) != 0)
                response.Headers.TryAddWithoutValidation("x-amz-meta-wp-crc32c", Encoding.Latin1.GetString(body.AsSpan(0, Math.Min(8, body.Length))));
            if ((flags & 16) != 0)
                response.Content.Headers.ContentLength = flags * 7_919L;
            if ((flags & 32) != 0)
                response.Content.Headers.TryAddWithoutValidation("Last-Modified", "never");
            if ((flags & 64) != 0)
                response.Content.Headers.TryAddWithoutValidation("Content-Encoding", "gzip");
            return Task.FromResult(response);
        }
    }
}
