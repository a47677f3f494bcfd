using Aspire.Hosting.Lifecycle;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Woodpecker.AppHost.Plan;

namespace Woodpecker.AppHost.Components;

internal static class RunReportComponent
{
    public static void AddRunReport(this IDistributedApplicationBuilder builder, RunPlan plan)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(plan);
        // By a factory, so that the container gives the directory free when everything in it has stopped.
        builder.Services.AddSingleton(_ => plan.Directory);
        builder.Services.AddEventingSubscriber<RunReport>();
    }
}
