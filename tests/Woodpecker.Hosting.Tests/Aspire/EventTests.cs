using System.Collections.Concurrent;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Lifecycle;

namespace Woodpecker.Hosting.Tests.Aspire;

public sealed class EventTests
{
    [Fact]
    public async Task Events_ComeInTheOrderOfALife()
    {
        using var builder = TestApplication.Create();
        var seen = new ConcurrentQueue<string>();
        builder.OnBeforeStart((_, _) => Note(seen, "before start"));
        builder.AddScript("one", "sleep 60").WithHttpEndpoint()
            .OnResourceEndpointsAllocated((_, _, _) => Note(seen, "endpoints"))
            .OnBeforeResourceStarted((_, _, _) => Note(seen, "before resource"))
            .OnResourceReady((_, _, _) => Note(seen, "ready"))
            .OnResourceStopped((_, stopped, _) => Note(seen, "stopped"));

        await using var app = await builder.StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("one", TestApplication.Soon);
        await app.ResourceCommands.ExecuteCommandAsync("one", KnownResourceCommands.StopCommand, TestApplication.Soon);

        Assert.Equal(["before start", "endpoints", "before resource", "ready", "stopped"], seen);
    }

    [Fact]
    public async Task HandlerThatThrows_BeforeStart_StopsTheStart()
    {
        using var builder = TestApplication.Create();
        builder.OnBeforeStart((_, _) => throw new InvalidOperationException("not today"));
        await using var app = await builder.BuildAsync(TestApplication.Soon);

        var error = await Assert.ThrowsAnyAsync<Exception>(() => app.StartAsync(TestApplication.Soon));

        Assert.Contains("not today", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Subscription_OfOneResource_DoesNotSeeOthers_AndEnds()
    {
        using var builder = TestApplication.Create();
        var one = builder.AddScript("one", "sleep 60").WithExplicitStart();
        var two = builder.AddScript("two", "sleep 60").WithExplicitStart();
        var seen = new List<string>();
        var subscription = builder.Eventing.Subscribe<BeforeResourceStartedEvent>(one.Resource, (e, _) =>
        {
            seen.Add(e.Resource.Name);
            return Task.CompletedTask;
        });
        await using var app = await builder.BuildAsync(TestApplication.Soon);

        await builder.Eventing.PublishAsync(new BeforeResourceStartedEvent(one.Resource, app.Services),
            TestApplication.Soon);
        await builder.Eventing.PublishAsync(new BeforeResourceStartedEvent(two.Resource, app.Services),
            TestApplication.Soon);
        builder.Eventing.Unsubscribe(subscription);
        await builder.Eventing.PublishAsync(new BeforeResourceStartedEvent(one.Resource, app.Services),
            TestApplication.Soon);

        Assert.Equal(["one"], seen);
    }

    [Fact]
    public async Task RegisteredSubscriber_SubscribesBeforeAnythingStarts()
    {
        using var builder = TestApplication.Create();
        builder.Services.TryAddEventingSubscriber<Subscriber>();
        builder.Services.TryAddEventingSubscriber<Subscriber>();
        builder.AddScript("one", "sleep 60");

        await using var app = await builder.StartAsync();

        Assert.Equal(1, Subscriber.Seen);
    }

    private static Task Note(ConcurrentQueue<string> seen, string what)
    {
        seen.Enqueue(what);
        return Task.CompletedTask;
    }

    private sealed class Subscriber : IDistributedApplicationEventingSubscriber
    {
        public static int Seen { get; private set; }

        public Task SubscribeAsync(IDistributedApplicationEventing eventing,
            DistributedApplicationExecutionContext executionContext, CancellationToken cancellationToken)
        {
            eventing.Subscribe<BeforeStartEvent>((_, _) =>
            {
                Seen++;
                return Task.CompletedTask;
            });
            return Task.CompletedTask;
        }
    }
}
