using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

public static class DistributedApplicationTestingBuilder
{
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(
        CancellationToken cancellationToken = default)
        where TEntryPoint : class => CreateAsync<TEntryPoint>([], cancellationToken);

    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(string[] args,
        CancellationToken cancellationToken = default) where TEntryPoint : class =>
        CreateAsync(typeof(TEntryPoint), args, cancellationToken);

    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(string[] args,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder,
            CancellationToken cancellationToken = default)
        where TEntryPoint : class => CreateAsync(typeof(TEntryPoint), args, configureBuilder, cancellationToken);

    public static Task<IDistributedApplicationTestingBuilder> CreateAsync(Type entryPoint,
        CancellationToken cancellationToken = default) =>
        CreateAsync(entryPoint, [], cancellationToken);

    public static Task<IDistributedApplicationTestingBuilder> CreateAsync(Type entryPoint, string[] args,
        CancellationToken cancellationToken = default) =>
            CreateAsync(entryPoint, args, static (_, _) => { }, cancellationToken);

    /// <summary>
    /// Runs the entry point of <paramref name="entryPoint"/>'s assembly up to <c>Build</c>. An exception on the way
    /// surfaces here.
    /// </summary>
    public static async Task<IDistributedApplicationTestingBuilder> CreateAsync(Type entryPoint, string[] args,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder,
            CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(entryPoint);
        ArgumentNullException.ThrowIfNull(args);
        if (entryPoint.Assembly.EntryPoint is null)
            throw new InvalidOperationException(
                $"Assembly of specified type {entryPoint.Name} does not have an entry point.");
        var hook = new EntryPointHook(entryPoint.Assembly, configureBuilder);
        hook.Start(args);
        try
        {
            return new EntryPointTestingBuilder(hook, await hook.Builder.WaitAsync(cancellationToken)
                .ConfigureAwait(false));
        }
        catch
        {
            hook.Release();
            throw;
        }
    }

    /// <summary>A builder without an entry point: the test makes the model itself.</summary>
    public static IDistributedApplicationTestingBuilder Create(params string[] args) =>
        Create(args, static (_, _) => { });

    public static IDistributedApplicationTestingBuilder Create(string[] args,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder)
    {
        ArgumentNullException.ThrowIfNull(args);
        return new PlainTestingBuilder(args, configureBuilder);
    }
}
