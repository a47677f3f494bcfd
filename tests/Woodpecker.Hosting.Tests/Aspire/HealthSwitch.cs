using System.Net;

namespace Woodpecker.Hosting.Tests.Aspire;

/// <summary>An HTTP address whose health a test turns on and off.</summary>
internal sealed class HealthSwitch : IDisposable
{
    private readonly HttpListener _listener = new();

    public HealthSwitch()
    {
        Port = TestApplication.FreePort();
        _listener.Prefixes.Add($"http://localhost:{Port}/");
        _listener.Start();
        _ = AnswerAsync();
    }

    public int Port { get; }

    public bool IsHealthy { get; set; }

    public void Dispose() => _listener.Close();

    private async Task AnswerAsync()
    {
        while (true)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                context.Response.StatusCode = IsHealthy ? 200 : 503;
                context.Response.Close();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
        }
    }
}
