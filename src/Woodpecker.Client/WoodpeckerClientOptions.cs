using Woodpecker.Protocol.Transport;

namespace Woodpecker.Client;

/// <summary>How a remote client reaches the services.</summary>
public sealed class WoodpeckerClientOptions
{
    /// <summary>Through the own sidecar or straight to the services; read from the environment unless set.</summary>
    public TransportOptions? Transport { get; set; }

    /// <summary>
    /// App ids of writers; any of them leads to the owner of a log (O2). The next one is tried when one does not
    /// answer.
    /// </summary>
    public IReadOnlyList<string> Writers { get; set; } = ["writer-1"];

    /// <summary>App ids of readers.</summary>
    public IReadOnlyList<string> Readers { get; set; } = ["reader"];

    /// <summary>How long a control call is repeated while nobody answers.</summary>
    public TimeSpan ControlPatience { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The clock of waits and deadlines.</summary>
    public TimeProvider Time { get; set; } = TimeProvider.System;
}
