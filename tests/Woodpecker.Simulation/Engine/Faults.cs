namespace Woodpecker.Simulation.Engine;

/// <summary>Chances of faults now, per call or message; a seed draws them, the liveness phase sets them to zero.</summary>
internal sealed class Faults
{
    public double EtcdRefuse { get; set; }

    public double EtcdLoseRequest { get; set; }

    public double EtcdLoseAnswer { get; set; }

    public double EtcdStaleRead { get; set; }

    public double EtcdSlow { get; set; }

    public double ObjectRefuse { get; set; }

    public double ObjectLoseAnswer { get; set; }

    public double ObjectLatePut { get; set; }

    public double ObjectSlow { get; set; }

    public double NetReset { get; set; }

    public double NetSlow { get; set; }

    public double DiskSlow { get; set; }

    public double DiskTear { get; set; }

    public double DiskSyncError { get; set; }

    public void Clear()
    {
        foreach (var property in typeof(Faults).GetProperties())
            property.SetValue(this, 0.0);
    }
}
