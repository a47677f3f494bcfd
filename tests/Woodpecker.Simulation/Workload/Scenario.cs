using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Nodes;
using Woodpecker.Storage.Journal;
using Woodpecker.Storage.Metadata.Values;

namespace Woodpecker.Simulation.Workload;

/// <summary>What a seed draws for itself: sizes, modes, kinds of faults and their rates (swarm).</summary>
internal sealed class Scenario
{
    private Scenario(SimRandom random, bool isWide)
    {
        IsWide = isWide;
        Replicas = random.Chance(0.7) ? 3 : 4;
        Writers = 1 + random.Next(3);
        Compactors = random.Next(3);
        Length = random.Between(15_000, 60_000);
        var logs = 1 + random.Next(3);
        for (var i = 1; i <= logs; i++)
            Logs.Add(DrawLog(random, i));
        Clients = logs + random.Next(3);
        ReadClients = 1 + random.Next(2);
        Operations = 40 + random.Next(random.Chance(0.2) ? 400 : 120);
        Settings = DrawSettings(random);
        DrawRates(random);
        foreach (var kind in Enum.GetValues<NemesisKind>().Where(static k => k <= NemesisKind.StopWriter))
        {
            if (random.Chance(0.4))
                Kinds.Add(kind);
        }

        FaultGap = random.Chance(0.1) ? TimeSpan.MaxValue : random.Between(300, 6_000);
        Truncates = random.Chance(0.3);
        if (isWide)
        {
            Profile = random.Chance(0.5) ? random.Pick(Enum.GetValues<Profile>()[..(int)Profile.Corner]) : Profile.Mixed;
            Apply(random);
            if (random.Chance(0.3))
                Kinds.Add(NemesisKind.NewerVersion);
            foreach (var log in Logs.Where(static l => l.Settings.Mode == LogMode.MemoryBuffer))
                log.Settings = log.Settings with { Fence = random.Chance(0.4) ? SlotFence.EtcdVerify : SlotFence.Conditional };
            LosesReplica = Profile is not (Profile.Tears or Profile.Swap or Profile.Rot) && random.Chance(0.25);
        }

        // A store that is lost for good uses up the one loss that may be survived: nothing else is damaged then.
        if (LosesReplica)
            Kinds.Remove(NemesisKind.ReplaceDisk);
        if (LosesReplica || Kinds.Contains(NemesisKind.ReplaceDisk))
        {
            Kinds.Remove(NemesisKind.PowerFailure);
            Kinds.Remove(NemesisKind.PowerCut);
            Kinds.Remove(NemesisKind.BitRot);
            Faults.DiskTear = 0;
            Faults.DiskSyncError = 0;
        }

        // Drawn last, so that the other seeds stay what they were before these were added.
        if (isWide && Profile == Profile.Mixed && random.Chance(0.45))
        {
            Profile = random.Pick(Enum.GetValues<Profile>()[(int)Profile.Corner..]);
            LosesReplica &= Profile is not (Profile.Corner or Profile.Power);
            Apply(random);
        }
    }

    public int Replicas { get; private set; }

    public int Writers { get; private set; }

    public int Compactors { get; private set; }

    public int Clients { get; }

    public int ReadClients { get; }

    public int Operations { get; private set; }

    public TimeSpan Length { get; }

    public List<LogPlan> Logs { get; } = [];

    public Faults Faults { get; } = new();

    public List<NemesisKind> Kinds { get; } = [];

    public TimeSpan FaultGap { get; private set; }

    /// <summary>Whether the workload is the wide one, which mutants are made in.</summary>
    public bool IsWide { get; }

    public Profile Profile { get; private set; }

    /// <summary>Whether one replica does not come back when the faults end: the loss that the protocol survives (f = 1).</summary>
    public bool LosesReplica { get; private set; }

    public bool Truncates { get; private set; }

    public Settings Settings { get; private set; }

    public static Scenario Draw(SimRandom random, bool isWide) => new(random, isWide);

    private static LogPlan DrawLog(SimRandom random, int number)
    {
        var name = "log-" + (char)('0' + number);
        return new LogPlan(name, new LogValue
        {
            Name = name,
            Mode = random.Chance(0.25) ? LogMode.MemoryBuffer : LogMode.QuorumBuffer,
            SegmentBytes = random.Chance(0.5) ? 400 + random.Next(4_000) : 4_000 + random.Next(60_000),
            SegmentAgeMilliseconds = 1_000 + random.Next(20_000),
            LingerMilliseconds = random.Next(3) * 50,
        });
    }

    private static Settings DrawSettings(SimRandom random)
    {
        // At least four of the largest groups, those being 16 KiB and a little (JournalOptions.Validate).
        var fileSize = (random.Chance(0.5) ? 24 : 32) * 4 * 1024;
        return new Settings
        {
            PipelineDepth = 1 + random.Next(4),
            IdleSealMilliseconds = random.Chance(0.4) ? 300 + random.Next(2_000) : 5_000,
            SlotsInFlight = 1 + random.Next(6),
            AppendTimeoutMilliseconds = 4_000 + random.Next(8_000),
            LiveSeconds = 2 + random.Next(4),
            UploadStaggerMilliseconds = random.Chance(0.3) ? 0 : 200 + random.Next(2_000),
            GcGraceSeconds = random.Next(4),
            OrphanSeconds = 4 + random.Next(20),
            OrphanGraceSeconds = random.Next(4),
            MinKeys = 2 + random.Next(3),
            Journal = new JournalOptions
            {
                FileSize = fileSize,
                GroupSize = 8 * 1024,
                MaxRecordBody = 16 * 1024,
                Capacity = (5 + random.Next(28)) * (long)fileSize,
                SpareFiles = 1,
                MaxGroupRecords = random.Chance(0.3) ? 2 : 64,
            },
        };
    }

    private void Apply(SimRandom random)
    {
        switch (Profile)
        {
            case Profile.Duel:
                Strike(150, 900, NemesisKind.ForceTakeover, NemesisKind.ForceTakeover, NemesisKind.ForceTakeover,
                    NemesisKind.OneWayPartition, NemesisKind.Partition, NemesisKind.Pause);
                LongSegments(random);
                (Faults.DiskSlow, Faults.NetSlow) = (0.05 + (random.NextDouble() * 0.2), random.NextDouble() * 0.2);
                break;
            case Profile.Tears:
                Strike(400, 2_500, NemesisKind.PowerFailure, NemesisKind.PowerCut, NemesisKind.PowerFailure,
                    NemesisKind.ForceTakeover, NemesisKind.CrashWriter, NemesisKind.Isolate);
                LongSegments(random);
                (Faults.DiskTear, Faults.DiskSyncError) = (random.NextDouble() * 0.01, random.NextDouble() * 0.01);
                break;
            case Profile.Swap:
                Strike(400, 2_000, NemesisKind.ReplaceDisk, NemesisKind.ForceTakeover, NemesisKind.CrashWriter,
                    NemesisKind.Isolate, NemesisKind.CrashReplica, NemesisKind.Pause);
                LongSegments(random);
                break;
            case Profile.Rot:
                Strike(400, 2_500, NemesisKind.BitRot, NemesisKind.BitRot, NemesisKind.ForceTakeover, NemesisKind.CrashWriter,
                    NemesisKind.Isolate, NemesisKind.CrashReplica);
                LongSegments(random);
                break;
            case Profile.Publish:
                Strike(300, 2_000, NemesisKind.RevokeLeases, NemesisKind.RevokeLeases, NemesisKind.CrashReplica, NemesisKind.CrashOther,
                    NemesisKind.Pause, NemesisKind.EtcdCut, NemesisKind.ObjectOutage);
                (Faults.EtcdStaleRead, Faults.ObjectSlow, Faults.ObjectRefuse) = (0.3, random.NextDouble() * 0.4, random.NextDouble() * 0.1);
                Faults.EtcdLoseAnswer = random.NextDouble() * 0.1;
                Truncates |= random.Chance(0.5);
                Settings = Settings with { GcGraceSeconds = 0, OrphanSeconds = 1, OrphanGraceSeconds = 0, MinKeys = 2, UploadStaggerMilliseconds = 0 };
                Resize(static _ => 400, 1_000);
                break;
            case Profile.Slots:
                Strike(200, 1_500, NemesisKind.ForceTakeover, NemesisKind.ForceTakeover, NemesisKind.CrashWriter, NemesisKind.Pause,
                    NemesisKind.EtcdCut);
                (Faults.ObjectLatePut, Faults.ObjectLoseAnswer, Faults.ObjectSlow) = (0.05, random.NextDouble() * 0.2, random.NextDouble() * 0.3);
                foreach (var log in Logs)
                    log.Settings = log.Settings with { Mode = LogMode.MemoryBuffer, LingerMilliseconds = random.Next(2) * 20 };
                LongSegments(random);
                break;
            case Profile.Corner:
                Strike(800, 4_000, NemesisKind.Corner);
                ReplicatedLogs(random);
                (Writers, Operations) = (3, 250);
                (Faults.DiskTear, Faults.DiskSyncError) = (0, 0);
                break;
            case Profile.Power:
                Strike(300, 1_800, NemesisKind.KillInGroup, NemesisKind.KillInGroup, NemesisKind.SyncFailure, NemesisKind.SyncFailure,
                    NemesisKind.PowerFailure, NemesisKind.PowerFailure, NemesisKind.PowerCut);
                ReplicatedLogs(random);
                Operations = 250;
                break;
            case Profile.Exodus:
                Strike(2_000, 8_000, NemesisKind.TwoDown);
                ReplicatedLogs(random);
                (Replicas, Operations) = (5, 250);
                Settings = Settings with { AppendTimeoutMilliseconds = 12_000 };
                break;
            case Profile.Retire:
                (Truncates, Compactors) = (true, Math.Max(1, Compactors));
                Kinds.Clear();
                Kinds.AddRange([NemesisKind.CrashReplica, NemesisKind.CrashReplica, NemesisKind.CrashWriter, NemesisKind.CrashOther]);
                FaultGap = random.Between(1_500, 5_000);
                Operations = 250;
                Faults.DiskSlow = 0;
                foreach (var log in Logs)
                    log.Settings = log.Settings with { Mode = LogMode.QuorumBuffer, Fence = SlotFence.Conditional, SegmentBytes = 400 + random.Next(2_000) };
                Settings = Settings with
                {
                    IdleSealMilliseconds = 200 + random.Next(400),
                    UploadStaggerMilliseconds = 0,
                    GcGraceSeconds = 0,
                    Journal = Settings.Journal with { Capacity = 6 * Settings.Journal.FileSize },
                };
                break;
        }
    }

    private void Strike(double least, double most, params NemesisKind[] kinds)
    {
        Kinds.Clear();
        Kinds.AddRange(kinds);
        FaultGap = TimeSpan.FromMilliseconds(least + ((most - least) * 0.5));
        Writers = Math.Max(2, Writers);
    }

    private void ReplicatedLogs(SimRandom random)
    {
        foreach (var log in Logs)
            log.Settings = log.Settings with { Mode = LogMode.QuorumBuffer, Fence = SlotFence.Conditional, LingerMilliseconds = 0 };
        LongSegments(random);
    }

    // Segments that stay open, so that takeovers meet what was just acknowledged.
    private void LongSegments(SimRandom random)
    {
        var size = 20_000 + random.Next(60_000);
        Resize(_ => size, 60_000);
        Settings = Settings with { IdleSealMilliseconds = 5_000 };
    }

    private void Resize(Func<LogPlan, long> bytes, int age)
    {
        foreach (var log in Logs)
            log.Settings = log.Settings with { SegmentBytes = bytes(log), SegmentAgeMilliseconds = age };
    }

    private void DrawRates(SimRandom random)
    {
        double Rate(double most) => random.Chance(0.45) ? random.NextDouble() * most : 0;
        Faults.EtcdRefuse = Rate(0.05);
        Faults.EtcdLoseRequest = Rate(0.03);
        Faults.EtcdLoseAnswer = Rate(0.05);
        Faults.EtcdStaleRead = Rate(0.2);
        Faults.EtcdSlow = Rate(0.05);
        Faults.ObjectRefuse = Rate(0.1);
        Faults.ObjectLoseAnswer = Rate(0.1);
        Faults.ObjectLatePut = Rate(0.05);
        Faults.ObjectSlow = Rate(0.05);
        Faults.NetReset = Rate(0.01);
        Faults.NetSlow = Rate(0.05);
        Faults.DiskSlow = Rate(0.02);
        Faults.DiskTear = Rate(0.003);
        Faults.DiskSyncError = Rate(0.002);
    }
}
