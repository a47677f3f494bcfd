using Woodpecker.AppHost.Components;
using Woodpecker.AppHost.Plan;

try
{
    var builder = DistributedApplication.CreateBuilder(args);
    using var plan = RunPlan.Create(builder, args); // All validation is here: one readable sentence, nothing started.
    var metadata = builder.AddMetadata("metadata", plan);
    var objects = builder.AddObjects("objects", plan);
    var replicas = plan.ReplicaIds
        .Select(id => builder.AddWoodpecker<Projects.Woodpecker_Replica>(id, plan).WithStores(metadata, objects)
            .WithJournal(plan, id))
        .ToArray();
    foreach (var id in plan.WriterIds)
        builder.AddWoodpecker<Projects.Woodpecker_Writer>(id, plan).WithStores(metadata, objects).WaitForAll(replicas);
    foreach (var id in plan.ReaderIds)
        builder.AddWoodpecker<Projects.Woodpecker_Reader>(id, plan).WithStores(metadata, objects).WaitForAll(replicas);
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
