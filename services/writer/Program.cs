using Woodpecker.Services;
using Woodpecker.Writer;

return await ServiceProcess.RunAsync(
    args,
    static builder =>
    {
        // Metadata may be all that QuorumBuffer needs, but MemoryBuffer logs wait for the store's probe (U9).
        builder.Services.AddSingleton<ObjectStoreGate>();
        builder.Services.AddHostedService(static provider => provider.GetRequiredService<ObjectStoreGate>());
        builder.AddWriter();
    },
    static app => app.MapWriter());
