using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

internal sealed class PlainTestingBuilder(string[] args,
    Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure)
    : TestingBuilder(new DistributedApplicationBuilder(new DistributedApplicationOptions { Args = args }, configure))
{
    private DistributedApplication? _application;

    public override Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default)
    {
        _application = Inner.Build();
        return Task.FromResult(_application);
    }

    public override ValueTask DisposeAsync() => _application?.DisposeAsync() ?? ValueTask.CompletedTask;
}
