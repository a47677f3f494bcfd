using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Woodpecker.Compactor;
using Woodpecker.Protocol.Transport;
using Woodpecker.Reader;
using Woodpecker.Replica;
using Woodpecker.Simulation.Engine;
using Woodpecker.Simulation.Models;
using Woodpecker.Simulation.Network;
using Woodpecker.Storage;
using Woodpecker.Storage.Metadata;
using Woodpecker.Storage.Objects;
using Woodpecker.Testing.Disk;
using Woodpecker.Writer;

namespace Woodpecker.Simulation.Nodes;

/// <summary>
/// Starts a process: the service's own composition over simulated ports. Everything behind the ports is the product.
/// </summary>
internal sealed class NodeComposer(
    Simulator sim, SimNetwork network, EtcdModel etcd, ObjectsModel bucket, Faults faults, Settings settings, Coverage coverage,
    Action<Life> onRefusal)
{
    // BackgroundService runs this on the pool by itself; here it begins at once, in the order of registration.
    private static readonly Func<BackgroundService, CancellationToken, Task> _execute = typeof(BackgroundService)
        .GetMethod("ExecuteAsync", BindingFlags.Instance | BindingFlags.NonPublic)!
        .CreateDelegate<Func<BackgroundService, CancellationToken, Task>>();

    /// <summary>Put between a process and etcd: mutants at the port.</summary>
    public Func<Life, EtcdClient, (IMetadataStore Store, ILeaseStore Leases)>? DecorateEtcd { get; set; }

    /// <summary>Put between a process and the bucket: mutants at the port.</summary>
    public Func<IObjectStore, IObjectStore>? DecorateObjects { get; set; }

    /// <summary>Sees every line that a process logs, with its values.</summary>
    public Action<Life, string?, IReadOnlyList<KeyValuePair<string, object?>>>? OnLog { get; set; }

    public Life Start(SimNode node)
    {
        var life = new Life(sim, node.Name, ++node.Lives, node.ClockOffset);
        node.Life = life;
        network.Join(life);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = node.Name });
        ((IConfigurationBuilder)builder.Configuration).AddInMemoryCollection(settings.Of(node));
        var lifetime = new SimLifetime(life, onRefusal);
        AddPorts(builder.Services, node, life);
        switch (node.Kind)
        {
            case NodeKind.Writer:
                builder.AddWriter();
                break;
            case NodeKind.Replica:
                builder.Services.AddSingleton(node.Disk!.Attach(life));
                builder.AddReplica();
                break;
            case NodeKind.Reader:
                builder.AddReader();
                break;
            case NodeKind.Compactor:
                builder.AddCompactor();
                break;
        }

        builder.Services.AddSingleton<IHostApplicationLifetime>(lifetime);
        builder.Services.AddSingleton<IIdSource>(life.Ids);
        builder.Services.AddSingleton<ILoggerFactory>(new SimLoggerFactory(life, coverage, settings.LogLevel, OnLog));
        var services = builder.Services.BuildServiceProvider();
        life.Services = services;
        network.Handlers[life] = Bind(node.Kind, services);
        life.Note("start", $"life {life.Number}");
        foreach (var hosted in services.GetServices<IHostedService>())
            _ = RunAsync(life, hosted);
        return life;
    }

    private void AddPorts(IServiceCollection services, SimNode node, Life life)
    {
        var client = new EtcdClient(
            sim, etcd, faults, life, () => network.IsCut(node.Name, "etcd") || network.IsCut("etcd", node.Name));
        var (store, leases) = DecorateEtcd?.Invoke(life, client) ?? (client, client);
        services.AddSingleton(store);
        services.AddSingleton(leases);
        IObjectStore raw = new ObjectsClient(sim, bucket, faults, life, () => network.IsCut(node.Name, "objects"));
        raw = DecorateObjects?.Invoke(raw) ?? raw;
        services.AddSingleton<IObjectStore>(
            new RetryingObjectStore(raw, new ObjectRetryOptions { MaxAttempts = 4 }, life.Clock, sim.Random.Fork()));
        services.AddSingleton(new ObjectStoreProbe(raw, life.Clock, sim.Random.Fork()));
        services.AddSingleton<TimeProvider>(life.Clock);
        services.AddSingleton<IPeerChannels>(new SimPeerChannels(network, life));
    }

    private static HandlerTable Bind(NodeKind kind, IServiceProvider services)
    {
        var table = new HandlerTable();
        if (kind == NodeKind.Writer)
            Protocol.V1.Writer.BindService(table, ActivatorUtilities.CreateInstance<WriterGrpcService>(services));
        if (kind == NodeKind.Replica)
            Protocol.Replica.Replica.BindService(table, ActivatorUtilities.CreateInstance<ReplicaGrpcService>(services));
        return table;
    }

    private async Task RunAsync(Life life, IHostedService hosted)
    {
        try
        {
            if (hosted is BackgroundService background)
                await _execute(background, CancellationToken.None);
            else
                await hosted.StartAsync(CancellationToken.None);
        }
        catch (SimulatedStopException)
        {
            life.Note("power-fails", "in the middle of an operation");
        }
#pragma warning disable CA1031 // A service that ends by an exception would end its process: nothing but a defect does that.
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (!life.IsDead)
                sim.Fail(string.Create(CultureInfo.InvariantCulture, $"{life.Name} ended by {e}"));
        }
    }
}
