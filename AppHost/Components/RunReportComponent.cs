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
        // By a factory, so that the container gives directory and ports free when everything has stopped.
        builder.Services.AddSingleton(_ => plan);
        builder.Services.AddEventingSubscriber<RunReport>();
    }
}
