using Woodpecker.Compactor;
using Woodpecker.Services;

return await ServiceProcess.RunAsync(args, static builder => builder.AddCompactor(), static app => app.MapCompactor());
