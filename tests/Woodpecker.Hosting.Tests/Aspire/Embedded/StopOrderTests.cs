using Aspire.Hosting.Running;

namespace Woodpecker.Hosting.Tests.Aspire.Embedded;

public sealed class StopOrderTests
{
    [Fact]
    public void Levels_FollowTheWaits_AndChildrenGoAfterTheLastParent()
    {
        using var builder = TestApplication.Create();
        var metadata = builder.AddScript("metadata", "true");
        var replicas = Enumerable.Range(1, 2).Select(i => builder.AddScript($"replica-{i}", "true").WaitFor(metadata))
            .ToArray();
        var writer = builder.AddScript("writer", "true").WaitFor(metadata);
        foreach (var replica in replicas)
            writer.WaitFor(replica);
        var compactor = builder.AddScript("compactor", "true").WaitFor(metadata);
        foreach (var parent in (IResourceBuilder<ExecutableResource>[])[.. replicas, writer, compactor])
            builder.AddScript($"{parent.Resource.Name}-dapr", "true").WaitFor(metadata)
                .WithParentRelationship(parent.Resource);

        var levels = StopOrder.Levels(builder.Resources)
            .Select(level => string.Join(' ', level.Select(r => r.Name).Order()));

        Assert.Equal(["compactor writer", "replica-1 replica-2",
            "compactor-dapr replica-1-dapr replica-2-dapr writer-dapr", "metadata"], levels);
    }

    [Fact]
    public void CircleOfWaits_StillHasAnOrder()
    {
        using var builder = TestApplication.Create();
        var one = builder.AddScript("one", "true");
        var two = builder.AddScript("two", "true").WaitFor(one);
        one.WaitFor(two);

        Assert.Equal(2, StopOrder.Levels(builder.Resources).Sum(level => level.Count));
    }
}
