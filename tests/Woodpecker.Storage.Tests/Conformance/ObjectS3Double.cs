using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Woodpecker.Storage.Tests.Conformance;

/// <summary>How a double of an S3 server misbehaves.</summary>
public enum ObjectS3Fault
{
    None,

    /// <summary>Takes If-None-Match and overwrites all the same, as several development servers do.</summary>
    IgnoresCondition,

    /// <summary>Answers 501 to a conditional put, as OpenStack Swift does.</summary>
    RefusesCondition,

    /// <summary>Answers a put with 200 and an error body.</summary>
    ErrorBehindSuccess,

    /// <summary>Answers 400 without a code that names the request's fault.</summary>
    Unreadable,

    /// <summary>Answers 503 SlowDown.</summary>
    SlowDown,

    /// <summary>Answers a put with 500 although it was stored.</summary>
    StoredButFails,

    /// <summary>Answers every read with the whole object.</summary>
    IgnoresRange,

    /// <summary>Drops the user's metadata.</summary>
    DropsMetadata,

    /// <summary>Reads give an older length of bytes: the answer ends early.</summary>
    ShortBody,

    /// <summary>A put waits until the client gives up.</summary>
    Hangs,

    /// <summary>The bucket keeps versions.</summary>
    Versioned,
}

/// <summary>
/// A small S3 server in this process, for the ways in which servers misbehave that no real one shows on demand.
/// Path style, one bucket, no signatures checked.
/// </summary>
public sealed class ObjectS3Double : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentDictionary<string, (byte[] Bytes, string? Crc, string? Length)> _objects = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly Task _loop;
    private int _requests;

    public ObjectS3Double(ObjectS3Fault fault)
    {
        Fault = fault;
        Url = Listen();
        _loop = Task.Run(ServeAsync);
    }

    public ObjectS3Fault Fault { get; set; }

    public Uri Url { get; }

    public int Requests => Volatile.Read(ref _requests);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _loop;
        _listener.Close();
        _stopping.Dispose();
    }

    private Uri Listen()
    {
        // HttpListener takes no port 0: ask the system for a free one, and again if somebody was faster.
        for (var attempt = 0; ; attempt++)
        {
            using var free = new TcpListener(IPAddress.Loopback, 0);
            free.Start();
            var url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/");
            free.Stop();
            try
            {
                _listener.Prefixes.Clear();
                _listener.Prefixes.Add(url);
                _listener.Start();
                return new Uri(url);
            }
            catch (HttpListenerException) when (attempt < 10)
            {
                // Taken meanwhile.
            }
        }
    }

    private async Task ServeAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            _ = Task.Run(async () =>
            {
                Interlocked.Increment(ref _requests);
                try
                {
                    await AnswerAsync(context.Request, context.Response);
                    context.Response.Close();
                }
                catch (Exception)
                {
                    context.Response.Abort(); // The client went away, or the test is over.
                }
            });
        }
    }

    private async Task AnswerAsync(HttpListenerRequest request, HttpListenerResponse response)
    {
        var path = request.Url!.AbsolutePath.TrimStart('/');
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        var key = slash < 0 ? "" : path[(slash + 1)..];
        if (Fault == ObjectS3Fault.SlowDown)
            await ErrorAsync(response, 503, "SlowDown");
        else if (Fault == ObjectS3Fault.Unreadable)
            response.StatusCode = 400;
        else if (key.Length == 0)
            await AnswerBucketAsync(request, response);
        else if (request.HttpMethod == "PUT")
            await AnswerPutAsync(key, request, response);
        else if (request.HttpMethod == "DELETE")
            response.StatusCode = _objects.TryRemove(key, out _) ? 204 : 204;
        else
            await AnswerReadAsync(key, request, response);
    }

    private async Task AnswerPutAsync(string key, HttpListenerRequest request, HttpListenerResponse response)
    {
        using var body = new MemoryStream();
        await request.InputStream.CopyToAsync(body);
        if (Fault == ObjectS3Fault.Hangs)
            await Task.Delay(Timeout.Infinite, _stopping.Token);
        if (Fault == ObjectS3Fault.RefusesCondition && request.Headers["If-None-Match"] is not null)
        {
            await ErrorAsync(response, 501, "NotImplemented");
            return;
        }

        if (Fault == ObjectS3Fault.ErrorBehindSuccess)
        {
            await ErrorAsync(response, 200, "InternalError");
            return;
        }

        var keepsMetadata = Fault != ObjectS3Fault.DropsMetadata;
        var stored = (body.ToArray(), keepsMetadata ? request.Headers["x-amz-meta-wp-crc32c"] : null, keepsMetadata ? request.Headers["x-amz-meta-wp-length"] : null);
        lock (_lock)
        {
            if (Fault != ObjectS3Fault.IgnoresCondition && request.Headers["If-None-Match"] == "*" && _objects.ContainsKey(key))
            {
                response.StatusCode = 412;
                return;
            }

            _objects[key] = stored;
        }

        if (Fault == ObjectS3Fault.StoredButFails)
        {
            await ErrorAsync(response, 500, "InternalError");
            return;
        }

        response.Headers["ETag"] = "\"0123456789abcdef0123456789abcdef\"";
    }

    private async Task AnswerReadAsync(string key, HttpListenerRequest request, HttpListenerResponse response)
    {
        if (!_objects.TryGetValue(key, out var found))
        {
            await ErrorAsync(response, 404, "NoSuchKey", request.HttpMethod == "HEAD");
            return;
        }

        var (first, last) = (0, found.Bytes.Length - 1);
        if (request.Headers["Range"] is { } range && Fault != ObjectS3Fault.IgnoresRange)
        {
            var parts = range["bytes=".Length..].Split('-');
            first = parts[0].Length == 0 ? Math.Max(0, found.Bytes.Length - int.Parse(parts[1], CultureInfo.InvariantCulture)) : int.Parse(parts[0], CultureInfo.InvariantCulture);
            if (first >= found.Bytes.Length)
            {
                await ErrorAsync(response, 416, "InvalidRange");
                return;
            }

            last = parts[0].Length == 0 || parts[1].Length == 0 ? last : Math.Min(last, int.Parse(parts[1], CultureInfo.InvariantCulture));
            response.StatusCode = 206;
            response.Headers["Content-Range"] = $"bytes {first}-{last}/{found.Bytes.Length}";
        }

        response.Headers["ETag"] = "\"0123456789abcdef0123456789abcdef\"";
        response.Headers["Last-Modified"] = DateTime.UtcNow.ToString("R");
        if (found.Crc is not null)
            response.Headers["x-amz-meta-wp-crc32c"] = found.Crc;
        if (found.Length is not null)
            response.Headers["x-amz-meta-wp-length"] = found.Length;
        response.ContentLength64 = last - first + 1;
        if (request.HttpMethod == "HEAD")
            return;
        var length = Fault == ObjectS3Fault.ShortBody ? (last - first + 1) / 2 : last - first + 1;
        await response.OutputStream.WriteAsync(found.Bytes.AsMemory(first, length));
    }

    private async Task AnswerBucketAsync(HttpListenerRequest request, HttpListenerResponse response)
    {
        var query = request.QueryString;
        if (query["versioning"] is not null || (query.AllKeys.Length > 0 && request.Url!.Query.Contains("versioning", StringComparison.Ordinal)))
        {
            var status = Fault == ObjectS3Fault.Versioned ? "<Status>Enabled</Status>" : "";
            await TextAsync(response, $"<VersioningConfiguration>{status}</VersioningConfiguration>");
            return;
        }

        if (request.Url!.Query.Contains("lifecycle", StringComparison.Ordinal))
        {
            await ErrorAsync(response, 404, "NoSuchLifecycleConfiguration");
            return;
        }

        var prefix = query["prefix"] ?? "";
        var text = new StringBuilder("<ListBucketResult><IsTruncated>false</IsTruncated>");
        foreach (var (key, found) in _objects.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).OrderBy(static pair => pair.Key, StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"<Contents><Key>{key}</Key><Size>{found.Bytes.Length}</Size><LastModified>2026-11-22T00:00:00.000Z</LastModified></Contents>");
        await TextAsync(response, text.Append("</ListBucketResult>").ToString());
    }

    private static Task ErrorAsync(HttpListenerResponse response, int status, string code, bool isHead = false)
    {
        response.StatusCode = status;
        return isHead ? Task.CompletedTask : TextAsync(response, $"<Error><Code>{code}</Code><Message>double</Message></Error>");
    }

    private static async Task TextAsync(HttpListenerResponse response, string text)
    {
        response.ContentType = "application/xml";
        await response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(text));
    }
}
