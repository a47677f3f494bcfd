using Microsoft.Extensions.Options;
using Woodpecker.Protocol.Transport;
using Woodpecker.ServiceDefaults;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Services;

/// <summary>
/// The frame of a service's program: a configuration that cannot work ends the process with one sentence that names the
/// setting, not with the stack of an unhandled exception.
/// </summary>
internal static class ServiceProcess
{
    private const int CannotStart = 1;

    /// <summary>Builds and runs the service.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(Func<Task> run)
    {
        try
        {
            await run();
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
