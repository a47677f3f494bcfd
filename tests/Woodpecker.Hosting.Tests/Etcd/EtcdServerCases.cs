using Woodpecker.Testing.Metadata;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>
/// What the server suites share; the numbers E1 to E46 at the cases are those of the conformance list.
/// </summary>
public abstract class EtcdServerCases(EtcdFixture fixture) : IAsyncLifetime
{
    private EtcdProcess? _server;
    private EtcdTestClient? _client;

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    internal EtcdTestClient Client => _client ?? throw new InvalidOperationException("Not started.");

    protected EtcdProcess Server => _server ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync()
    {
        _server = await fixture.GetAsync();
        _client = new EtcdTestClient(_server);
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _client?.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Cases that take long run only when asked for.</summary>
    protected static void SkipUnlessLong() =>
        Assert.SkipUnless(Environment.GetEnvironmentVariable("WOODPECKER_LONG") == "1", "Slow; set WOODPECKER_LONG=1.");
}
