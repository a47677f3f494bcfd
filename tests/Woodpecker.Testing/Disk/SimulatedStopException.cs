namespace Woodpecker.Testing.Disk;

/// <summary>The simulated power failed.</summary>
public sealed class SimulatedStopException() : IOException("the simulated power failed");
