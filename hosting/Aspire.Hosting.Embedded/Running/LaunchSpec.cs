using System.Collections;
using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Processes;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Running;

/// <summary>
/// Turns a resource and its annotations into the process to start. Runs at every start, after endpoint allocation.
/// </summary>
internal sealed class LaunchSpec(DistributedApplicationExecutionContext executionContext, EmbeddedHostOptions options)
{
    /// <summary>
    /// Set for the host itself; a child that inherited them would listen on the host's address or run in its
    /// environment.
    /// </summary>
    private static readonly string[] NotInherited =
        ["ASPNETCORE_URLS", "DOTNET_LAUNCH_PROFILE", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT"];

    public async Task<ProcessSpec> CreateAsync(IResource resource, ILogger logger, CancellationToken cancellationToken)
    {
        var (command, arguments, directory) = resource switch
        {
            ProjectResource project => ProjectCommand(project),
            ExecutableResource executable => (executable.Command, [], executable.WorkingDirectory),
            _ => throw new DistributedApplicationException($"Resource '{resource.Name}' is not a process."),
        };
        if (!Directory.Exists(directory))
            throw new DistributedApplicationException($"The working directory '{directory}' does not exist.");
        var path = ExecutablePath.Find(command, directory)
            ?? throw new DistributedApplicationException($"The program '{command}' was not found.");
        arguments.AddRange(await ArgumentsAsync(resource, logger, cancellationToken).ConfigureAwait(false));
        var environment = await EnvironmentAsync(resource, logger, cancellationToken).ConfigureAwait(false);
        return new ProcessSpec(path, arguments, directory, environment);
    }

    /// <summary>The variables of the model, without what is inherited.</summary>
    public async Task<Dictionary<string, string>> ModelEnvironmentAsync(IResource resource, ILogger logger,
        CancellationToken cancellationToken)
    {
        var values = new Dictionary<string, object>();
        if (resource is ProjectResource)
            AddProjectDefaults(resource, values);
        var context = new EnvironmentCallbackContext(executionContext, resource, values,
            cancellationToken)
        { Logger = logger };
        foreach (var callback in resource.Annotations.OfType<EnvironmentCallbackAnnotation>().ToArray())
            await callback.Callback(context).ConfigureAwait(false);
        var resolved = new Dictionary<string, string>();
        foreach (var (name, value) in values)
        {
            if (await ResolveAsync(value, cancellationToken).ConfigureAwait(false) is { } text)
                resolved[name] = text;
        }

        return resolved;
    }

    private async Task<Dictionary<string, string>> EnvironmentAsync(IResource resource, ILogger logger,
        CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string>();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            var name = (string)variable.Key;
            if (!NotInherited.Contains(name) && !name.StartsWith("MSBuild", StringComparison.OrdinalIgnoreCase))
                environment[name] = (string?)variable.Value ?? "";
        }

        foreach (var (name, value) in await ModelEnvironmentAsync(resource, logger, cancellationToken)
            .ConfigureAwait(false))
            environment[name] = value;
        environment["WOODPECKER_RUN_ID"] = options.RunId;
        return environment;
    }

    private async Task<List<string>> ArgumentsAsync(IResource resource, ILogger logger,
        CancellationToken cancellationToken)
    {
        var values = new List<object>();
        var context = new CommandLineArgsCallbackContext(values, resource, cancellationToken)
        {
            ExecutionContext = executionContext,
            Logger = logger,
        };
        foreach (var callback in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToArray())
            await callback.Callback(context).ConfigureAwait(false);
        var resolved = new List<string>(values.Count);
        foreach (var value in values)
            resolved.Add(await ResolveAsync(value, cancellationToken).ConfigureAwait(false) ?? "");
        return resolved;
    }

    private static async ValueTask<string?> ResolveAsync(object? value, CancellationToken cancellationToken) =>
        value switch
        {
            null => null,
            string text => text,
            IValueProvider provider => await provider.GetValueAsync(cancellationToken).ConfigureAwait(false),
            IResourceBuilder<IResource> { Resource: IValueProvider provider } =>
                await provider.GetValueAsync(cancellationToken).ConfigureAwait(false),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture),
        };

    private static void AddProjectDefaults(IResource resource, Dictionary<string, object> values)
    {
        values["OTEL_SERVICE_NAME"] = resource.Name;
        values["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={resource.Name}";
        values["LOGGING__CONSOLE__FORMATTERNAME"] = "simple";
        Func<EndpointAnnotation, bool> filter =
            resource.TryGetLastAnnotation<EndpointsInEnvironmentAnnotation>(out var chosen)
            ? chosen.Filter
            : static _ => true;
        var urls = resource.Annotations.OfType<EndpointAnnotation>()
            .Where(e => e.UriScheme is "http" or "https" && filter(e))
            .Select(e => e.AllocatedEndpoint!.UriString);
        if (string.Join(';', urls) is { Length: > 0 } joined)
            values["ASPNETCORE_URLS"] = joined;
    }

    private static (string Command, List<string> Arguments, string Directory) ProjectCommand(ProjectResource project)
    {
        if (!project.TryGetLastAnnotation<IProjectMetadata>(out var metadata))
            throw new DistributedApplicationException(
                $"Project resource '{project.Name}' does not have project metadata.");
        if (!File.Exists(metadata.ProjectPath))
            throw new DistributedApplicationException($"Project file '{metadata.ProjectPath}' was not found.");
        var assembly = ProjectOutput.Find(metadata)
            ?? throw new DistributedApplicationException($"Project '{metadata.ProjectPath}' is not built.");
        return ("dotnet", ["exec", assembly], Path.GetDirectoryName(metadata.ProjectPath)!);
    }
}
