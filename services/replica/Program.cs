using Woodpecker.Replica;
using Woodpecker.Services;

return await ServiceProcess.RunAsync(args, static builder => builder.AddReplica(), static app => app.MapReplica());
