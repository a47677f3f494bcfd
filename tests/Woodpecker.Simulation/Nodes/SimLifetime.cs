using Microsoft.Extensions.Hosting;
using Woodpecker.Simulation.Engine;

namespace Woodpecker.Simulation.Nodes;

/// <summary>The lifetime a process sees; asking to stop means that it refuses to run.</summary>
internal sealed class SimLifetime(Life life, Action<Life> onStop) : IHostApplicationLifetime
{
    public CancellationTokenSource Stopping { get; } = new();

    public CancellationToken ApplicationStarted => CancellationToken.None;

    public CancellationToken ApplicationStopping => Stopping.Token;

    public CancellationToken ApplicationStopped => CancellationToken.None;

    public void StopApplication() => onStop(life);
}
