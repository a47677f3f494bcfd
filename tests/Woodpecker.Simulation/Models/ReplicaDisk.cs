using Woodpecker.Replica;
using Woodpecker.Simulation.Engine;
using Woodpecker.Storage.Journal;
using Woodpecker.Testing.Disk;

namespace Woodpecker.Simulation.Models;

/// <summary>The disk of a replica node and the process that uses it now.</summary>
internal sealed class ReplicaDisk(Simulator sim, Faults faults, JournalOptions sizes, Action<Life, Exception> onFailure)
{
    public SimulatedDisk Disk { get; private set; } = new();

    /// <summary>Files as a life of the node sees them.</summary>
    public IReplicaMedium Attach(Life life) => new Attached(this, life);

    /// <summary>The process ended; the machine did not: what it wrote is still in the page cache.</summary>
    public void OnProcessEnd() => Disk = Disk.Restart();

    /// <summary>The power failed: un-synced sectors survive in any combination.</summary>
    public void OnPowerFailure(SimRandom random) => Disk = Disk.Reboot(random);

    /// <summary>The disk is replaced by an empty one.</summary>
    public void Replace() => Disk = new SimulatedDisk();

    /// <summary>Applied to the medium before a life uses it: mutants at the port.</summary>
    public Func<IJournalMedium, IJournalMedium>? Decorate { get; set; }

    private sealed class Attached(ReplicaDisk owner, Life life) : IReplicaMedium
    {
        public bool HasStore => owner.Disk.List().Contains("superblock");

        public JournalOptions Journal => owner.Sizes with { Executor = new SimJournalExecutor(owner.Sim, owner.Faults, owner, life) };

        public IJournalMedium Open() => owner.Decorate is { } decorate ? decorate(owner.Disk) : owner.Disk;

        public void OnFailure(Exception failure) => owner.OnJournalFailure(life, failure);
    }

    private Simulator Sim => sim;

    private Faults Faults => faults;

    private JournalOptions Sizes => sizes;

    private void OnJournalFailure(Life life, Exception failure) => onFailure(life, failure);
}
