namespace Aspire.Hosting.Testing;

/// <summary>The builder of an entry point that waits in <c>Build</c>.</summary>
internal sealed class EntryPointTestingBuilder(EntryPointHook hook,
    DistributedApplicationBuilder inner) : TestingBuilder(inner)
{
    public override Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default)
    {
        hook.AllowBuild();
        return hook.Application.WaitAsync(cancellationToken);
    }

    /// <summary>Also disposes the application, if it was built; doing that twice does no harm.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (hook.Application.IsCompletedSuccessfully)
            await (await hook.Application.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        hook.Release();
    }
}
