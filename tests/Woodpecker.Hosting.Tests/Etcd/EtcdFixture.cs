using Woodpecker.Metadata.Etcd;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>One server for all tests of a class; started by the first test that asks for it.</summary>
public abstract class EtcdFixture : IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private EtcdProcess? _server;

    /// <summary>The program; skips the asking test when it is absent.</summary>
    protected abstract EtcdBinary Binary { get; }

    public async Task<EtcdProcess> GetAsync()
    {
        await _gate.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            return _server ??= await EtcdProcess.StartAsync(Binary);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>An adapter of one's own on the shared server.</summary>
    public async ValueTask<MetadataBackend> OpenAdapterAsync() => new EtcdAdapterBackend(await GetAsync());

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_server is not null)
            await _server.DisposeAsync();
        _gate.Dispose();
    }

    public static EtcdMetadataStore Connect(EtcdProcess server, string? prefix = null) => new(
        new EtcdMetadataOptions
        {
            Connection = EtcdConnectionString.Parse(prefix is null ? server.ClientUrl : $"{server.ClientUrl};prefix={prefix}"),
        },
        TimeProvider.System);
}
