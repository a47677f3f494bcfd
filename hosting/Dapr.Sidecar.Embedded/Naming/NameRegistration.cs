using Microsoft.Extensions.Logging;

namespace Dapr.Sidecar.Embedded.Naming;

/// <summary>Keeps the own entry fresh until it is ended, then removes it.</summary>
internal sealed partial class NameRegistration(
    NameDirectory directory, NameEntry entry, string instance, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _refreshing = Task.CompletedTask;

    /// <summary>Writes the entry at once; from then on others find this sidecar.</summary>
    public void Start()
    {
        directory.Write(entry, instance);
        _refreshing = RefreshAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _refreshing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        try
        {
            directory.Delete(entry, instance);
        }
        catch (IOException e)
        {
            CannotDelete(e.Message);
        }
    }

    private async Task RefreshAsync()
    {
        while (true)
        {
            await Task.Delay(NameDirectory.RefreshEvery, time, _stop.Token);
            try
            {
                directory.Write(entry, instance);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                CannotRefresh(e.Message);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The entry in the name directory cannot be refreshed: {Reason}")]
    private partial void CannotRefresh(string reason);

    [LoggerMessage(2, LogLevel.Warning, "The entry in the name directory cannot be removed: {Reason}")]
    private partial void CannotDelete(string reason);
}
