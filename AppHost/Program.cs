using Woodpecker.AppHost.Components;
using Woodpecker.AppHost.Plan;

try
{
    var builder = DistributedApplication.CreateBuilder(args);
    using var plan = RunPlan.Create(builder, args); // All validation is here: one readable sentence, nothing started.
    var metadata = builder.AddMetadata("metadata", plan);
    var objects = builder.AddObjects("objects", plan);
    // Nothing waits for replicas: a writer must be able to start again while one of them is down.
    foreach (var id in plan.ReplicaIds)
        builder.AddWoodpecker<Projects.Woodpecker_Replica>(id, plan).WithStores(metadata, objects).WithJournal(plan, id);
    foreach (var id in plan.WriterIds)
        builder.AddWoodpecker<Projects.Woodpecker_Writer>(id, plan).WithStores(metadata, objects);
    foreach (var id in plan.ReaderIds)
        builder.AddWoodpecker<Projects.Woodpecker_Reader>(id, plan).WithStores(metadata, objects);
    builder.AddWoodpecker<Projects.Woodpecker_Compactor>("compactor", plan).WithStores(metadata, objects);
    builder.AddRunReport(plan);
    builder.Build().Run();
    return 0;
}
catch (RunPlanException refusal) when (!refusal.UnderTest)
{
    refusal.Print();
    return refusal.ExitCode;
}
