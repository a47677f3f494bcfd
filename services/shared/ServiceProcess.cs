using Microsoft.Extensions.Options;
using Woodpecker.Metadata.Etcd;
using Woodpecker.Protocol.Transport;
using Woodpecker.ServiceDefaults;
using Woodpecker.Storage.Objects;
using Woodpecker.Storage.Registration;
using Woodpecker.Storage.S3;

namespace Woodpecker.Services;

/// <summary>
/// The program of every service: metadata in etcd, an object store, and what the service adds. A configuration that cannot
/// work ends the process with one sentence that names the setting, not with the stack of an unhandled exception.
/// </summary>
internal static class ServiceProcess
{
    private const int CannotStart = 1;

    /// <summary>Builds and runs the service.</summary>
    /// <param name="args">Of the command line.</param>
    /// <param name="add">Adds the service.</param>
    /// <param name="map">Maps its surface.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args, Action<WebApplicationBuilder> add, Action<WebApplication> map)
    {
        try
        {
            var builder = WebApplication.CreateBuilder(args);
            var configuration = builder.Configuration;
            builder.AddServiceDefaults();
            builder.Services.AddEtcdMetadata(configuration.GetConnectionString("metadata"));
            builder.Services.AddObjectStore(
                configuration.GetConnectionString("objects"), static schemes => schemes.AddFile().AddS3());
            add(builder);
            var app = builder.Build();
            app.MapDefaultEndpoints();
            map(app);
            await app.RunAsync();
            return Environment.ExitCode;
        }
        catch (Exception e) when (Explain(e) is { } sentence)
        {
            await Console.Error.WriteLineAsync("This service cannot start: " + sentence);
            return CannotStart;
        }
    }

    /// <summary>What is wrong with the configuration; null for any other failure.</summary>
    internal static string? Explain(Exception error) => error switch
    {
        OptionsValidationException options => string.Join(' ', options.Failures),
        ServiceConfigurationException or TransportConfigurationException => error.Message,
        ObjectStoreException { Kind: ObjectStoreErrorKind.Invalid } => error.Message,
        // The parser of the metadata store's connection string; the platform adds the name of its parameter.
        ArgumentException { ParamName: "text" } => error.Message.Split(" (Parameter", 2)[0],
        // A port that is taken.
        IOException { InnerException: not null } => error.Message,
        // The binder: the key and the value that is no number.
        InvalidOperationException { Source: "Microsoft.Extensions.Configuration.Binder" } => error.Message,
        _ => null,
    };
}
