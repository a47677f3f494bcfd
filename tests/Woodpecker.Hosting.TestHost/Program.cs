// An app host for the tests of the app host itself. Scenario: what to do; Trace: a file that the processes write to.

var builder = DistributedApplication.CreateBuilder(args);
var trace = builder.Configuration["Trace"] ?? "/dev/null";
switch (builder.Configuration["Scenario"])
{
    case "crash":
        throw new InvalidOperationException("The model is broken.");
    case "no-build":
        return 3;
    case "order":
        // The shape of the real thing: a store, replicas on it, a writer on those, and a sidecar each for writer and
        // replica.
        var store = builder.Process("store", trace);
        var replica = builder.Process("replica", trace).WaitFor(store);
        var writer = builder.Process("writer", trace).WaitFor(store).WaitFor(replica);
        builder.Process("replica-sidecar", trace).WaitFor(store).WithParentRelationship(replica.Resource);
        builder.Process("writer-sidecar", trace).WaitFor(store).WaitFor(replica)
            .WithParentRelationship(writer.Resource);
        break;
    case "stubborn":
        builder.AddExecutable("stubborn", "sh", ".", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done");
        break;
    default:
        builder.AddProject<Projects.Woodpecker_Hosting_TestService>("service", launchProfileName: null)
            .WithHttpEndpoint()
            .WithHttpHealthCheck("/health")
            .WithEnvironment("GIVEN", builder.Configuration["Given"] ?? "nothing");
        break;
}

builder.Build().Run();
return 0;

/// <summary>Processes of shell script: enough to be started, stopped and looked for.</summary>
internal static class Scripts
{
    public static IResourceBuilder<ExecutableResource> Process(
        this IDistributedApplicationBuilder builder, string name, string trace) =>
        builder.AddExecutable(name, "sh", ".", "-c",
            $"echo $$ > {trace}.{name}.pid; trap 'sleep 0.2; echo {name} >> {trace}; exit 0' TERM; while :; do sleep 0.05; done");
}
