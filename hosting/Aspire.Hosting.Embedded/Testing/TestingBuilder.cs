using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>Passes the model through to the inner builder; how it is built and disposed differs.</summary>
internal abstract class TestingBuilder(DistributedApplicationBuilder inner) : IDistributedApplicationTestingBuilder
{
    public ConfigurationManager Configuration => Inner.Configuration;

    public string AppHostDirectory => Inner.AppHostDirectory;

    public Assembly? AppHostAssembly => Inner.AppHostAssembly;

    public IHostEnvironment Environment => Inner.Environment;

    public IServiceCollection Services => Inner.Services;

    public DistributedApplicationExecutionContext ExecutionContext => Inner.ExecutionContext;

    public IDistributedApplicationEventing Eventing => Inner.Eventing;

    public IResourceCollection Resources => Inner.Resources;

    protected DistributedApplicationBuilder Inner { get; } = inner;

    public IResourceBuilder<T> AddResource<T>(T resource) where T : IResource => Inner.AddResource(resource);

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource =>
        Inner.CreateResourceBuilder(resource);

#pragma warning disable VSTHRD002 // The blocking form is part of the interface; BuildAsync is the one to use.
    public DistributedApplication Build() => BuildAsync().GetAwaiter().GetResult();

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();
#pragma warning restore VSTHRD002

    public abstract Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);

    public abstract ValueTask DisposeAsync();
}
