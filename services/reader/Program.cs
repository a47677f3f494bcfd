using Woodpecker.Reader;
using Woodpecker.Services;

return await ServiceProcess.RunAsync(args, static builder => builder.AddReader(), static app => app.MapReader());
