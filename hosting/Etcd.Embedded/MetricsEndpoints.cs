using System.Globalization;
using Woodpecker.Storage.Metadata.Local;

namespace Etcd.Embedded;

/// <summary>What the metrics URL answers, in etcd's words.</summary>
internal static class MetricsEndpoints
{
    public static void MapMetrics(this WebApplication app, MvccStore store)
    {
        app.MapGet("/health", context =>
        {
            var isHealthy = store.Failure is null;
            context.Response.StatusCode = isHealthy ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync(isHealthy ? """{"health":"true"}""" : """{"health":"false"}""");
        });
        app.MapGet("/version", static context =>
        {
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync($$"""{"etcdserver":"{{MaintenanceService.Version}}","etcdcluster":"3.4.0"}""");
        });
        app.MapGet("/metrics", context =>
        {
            var state = store.Current;
            context.Response.ContentType = "text/plain; version=0.0.4";
            return context.Response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"""
                # TYPE etcd_server_has_leader gauge
                etcd_server_has_leader {(store.Failure is null ? 1 : 0)}
                # TYPE etcd_debugging_mvcc_current_revision gauge
                etcd_debugging_mvcc_current_revision {state.Revision}
                # TYPE etcd_debugging_mvcc_compact_revision gauge
                etcd_debugging_mvcc_compact_revision {state.CompactedRevision}
                # TYPE etcd_mvcc_db_total_size_in_bytes gauge
                etcd_mvcc_db_total_size_in_bytes {state.Size}

                """));
        });
    }
}
