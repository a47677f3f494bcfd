using Amazon.Runtime;
using Woodpecker.Storage.S3;
using Woodpecker.Testing.Objects;

namespace Woodpecker.Storage.Tests.Conformance;

/// <summary>One <see cref="S3Server"/> for the tests of this assembly, started when the first test asks for it.</summary>
public sealed class ObjectStoreS3Server : IAsyncDisposable
{
    private readonly SemaphoreSlim _start = new(1);
    private bool _isTried;
    private S3Server? _server;
    private int _lastPrefix;

    /// <summary>Options for a store of its own below a fresh prefix; skips the test if there is no server.</summary>
    public async ValueTask<S3ObjectStoreOptions> OptionsAsync()
    {
        var server = await StartAsync();
        var (key, secret) = server.Credentials;
        return new S3ObjectStoreOptions
        {
            Bucket = server.Bucket,
            Prefix = $"test/{Interlocked.Increment(ref _lastPrefix)}",
            Endpoint = server.Url,
            Region = "us-east-1",
            UsePathStyle = true,
            Credentials = new BasicAWSCredentials(key, secret),
        };
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _start.Dispose();
    }

    private async ValueTask<S3Server> StartAsync()
    {
        await _start.WaitAsync();
        try
        {
            if (_server is null && _isTried)
                Assert.Skip("There is no S3 server; the first test that needed it says why.");
            _isTried = true;
            return _server ??= await S3Server.StartAsync();
        }
        finally
        {
            _start.Release();
        }
    }
}
