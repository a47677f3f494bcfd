namespace Woodpecker.AppHost.Plan;

/// <summary>
/// Which component is real and which embedded: the first match of a fixed order. An explicit wish that cannot be met is
/// refused, never replaced; and once chosen there is no fall-back, since two metadata stores for one set of replicas
/// would be a split brain.
/// </summary>
internal static class Choices
{
    private static readonly Version LowestEtcd = new(3, 4);
    private static readonly Version LowestDaprd = new(1, 17); // Streams HTTP requests from there on.

    public static Choice Metadata(RunOptions options, IMachine machine)
    {
        switch (options.Metadata)
        {
            case "external" when options.MetadataConnectionString is null:
                throw RunPlanException.Option(
                    "Woodpecker:Metadata=external but there is no ConnectionStrings:metadata.");
            case "auto" or "external" when options.MetadataConnectionString is not null:
                return new Choice("external", "ConnectionStrings:metadata");
            case "embedded":
                return new Choice("embedded", "Woodpecker:Metadata=embedded");
        }

        var etcd = machine.FindTool("etcd", options.EtcdPath, LowestEtcd);
        var place = options.EtcdPath is null ? "on PATH" : $"at {options.EtcdPath}";
        if (etcd is not null)
            return new Choice("process", $"etcd {etcd.Version} {place}", etcd.Path);
        return options.Metadata == "process" || options.EtcdPath is not null
            ? throw RunPlanException.Option(
                $"Woodpecker:Metadata asks for a process but there is no etcd {LowestEtcd} or newer {place}.")
            : new Choice("embedded", "no ConnectionStrings:metadata, no etcd on PATH");
    }

    public static Choice Dapr(RunOptions options, IMachine machine)
    {
        if (options.Transport == "Direct")
        {
            return options.Dapr is "auto" or "none"
                ? new Choice("none", "Woodpecker:Transport=Direct")
                : throw RunPlanException.Option(
                    $"Woodpecker:Dapr={options.Dapr} contradicts Woodpecker:Transport=Direct.");
        }

        if (options.Dapr == "none")
            throw RunPlanException.Option("Woodpecker:Dapr=none needs Woodpecker:Transport=Direct.");
        if (options.Dapr == "embedded")
            return new Choice("embedded", "Woodpecker:Dapr=embedded");
        var daprd = machine.FindTool("daprd", options.DaprdPath, LowestDaprd);
        var place = options.DaprdPath is null ? "on PATH" : $"at {options.DaprdPath}";
        if (daprd is not null)
            return new Choice("process", $"daprd {daprd.Version} {place}", daprd.Path);
        return options.Dapr == "process" || options.DaprdPath is not null
            ? throw RunPlanException.Option(
                $"Woodpecker:Dapr asks for a process but there is no daprd {LowestDaprd} or newer {place}.")
            : new Choice("embedded", "no daprd on PATH");
    }

    public static Choice Objects(RunOptions options) => options.Objects switch
    {
        "external" when options.ObjectsConnectionString is null =>
            throw RunPlanException.Option("Woodpecker:Objects=external but there is no ConnectionStrings:objects."),
        "auto" or "external" when options.ObjectsConnectionString is not null =>
            new Choice("external", "ConnectionStrings:objects"),
        "folder" => new Choice("folder", "Woodpecker:Objects=folder"),
        _ => new Choice("folder", "no ConnectionStrings:objects"),
    };
}
