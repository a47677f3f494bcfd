using Woodpecker.Simulation.Engine;
using Woodpecker.Storage.Journal;

namespace Woodpecker.Simulation.Models;

/// <summary>The journal's loops as events: a turn takes place when the disk is done with it.</summary>
internal sealed class SimJournalExecutor(Simulator sim, Faults faults, ReplicaDisk disk, Life life) : IJournalExecutor
{
    public IJournalLoop Start(string name, Func<JournalTurn> turn)
    {
        var loop = new Loop(this, name, turn);
        loop.Wake();
        return loop;
    }

    private sealed class Loop(SimJournalExecutor owner, string name, Func<JournalTurn> turn) : IJournalLoop
    {
        private bool _isDue;
        private bool _isOver;

        public void Wake()
        {
            if (_isDue || _isOver)
                return;
            _isDue = true;
            owner.Schedule(name, Run);
        }

        public void Join()
        {
            // A dead process writes nothing more.
            while (!_isOver && !owner.IsDead)
                Take();
        }

        private void Run()
        {
            _isDue = false;
            if (!_isOver)
                Take();
        }

        private void Take()
        {
            switch (turn())
            {
                case JournalTurn.Again:
                    Wake();
                    break;
                case JournalTurn.End:
                    _isOver = true;
                    break;
            }
        }
    }

    private bool IsDead => life.IsDead;

    private void Schedule(string name, Action run)
    {
        var random = sim.Random;
        var slow = random.Chance(faults.DiskSlow) ? random.Between(20, 3_000) : TimeSpan.Zero;
        sim.After(random.Between(0.05, 0.6) + slow, life, name, () =>
        {
            if (random.Chance(faults.DiskSyncError))
                disk.Disk.FailSync(0);
            else if (random.Chance(faults.DiskTear))
                disk.Disk.StopAfter(random.Next(3));
            run();
        });
    }
}
