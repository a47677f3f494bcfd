using Microsoft.Extensions.Time.Testing;
using Woodpecker.Storage.Metadata;
using Woodpecker.Testing.Metadata;

namespace Woodpecker.Storage.Tests.Conformance;

/// <summary>The local metadata store in a directory of its own, on a clock that the test moves.</summary>
internal sealed class MetadataLocalBackend : MetadataBackend
{
    private readonly FakeTimeProvider _time;
    private readonly LocalMetadataStore _store;
    private readonly string _directory;

    private MetadataLocalBackend(LocalMetadataStore store, FakeTimeProvider time, string directory)
    {
        _store = store;
        _time = time;
        _directory = directory;
    }

    public override IMetadataStore Store => _store;

    public override ILeaseStore Leases => _store;

    public static async ValueTask<MetadataBackend> OpenAsync()
    {
        var time = new FakeTimeProvider();
        var directory = Directory.CreateTempSubdirectory("woodpecker-metadata-").FullName;
        var store = await LocalMetadataStore.OpenAsync(
            new LocalMetadataStoreOptions { Directory = directory, TimeProvider = time }, TestContext.Current.CancellationToken);
        return new MetadataLocalBackend(store, time, directory);
    }

    public override Task CompactAsync(long revision) => _store.CompactAsync(revision).AsTask();

    public override Task ElapseAsync(TimeSpan duration)
    {
        _time.Advance(duration);
        return Task.CompletedTask;
    }

    public override async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
