using Woodpecker.Metadata.Etcd;
using Woodpecker.ServiceDefaults;
using Woodpecker.Services;
using Woodpecker.Storage.Registration;
using Woodpecker.Storage.S3;
using Woodpecker.Writer;

return await ServiceProcess.RunAsync(async () =>
{
    var builder = WebApplication.CreateBuilder(args);
    var configuration = builder.Configuration;
    builder.AddServiceDefaults();
    builder.Services.AddEtcdMetadata(configuration.GetConnectionString("metadata"));
    builder.Services.AddObjectStore(
        configuration.GetConnectionString("objects"), static schemes => schemes.AddFile().AddS3());
    // Metadata may be all that QuorumBuffer needs, but MemoryBuffer logs wait for the store's probe (U9).
    builder.Services.AddSingleton<ObjectStoreGate>();
    builder.Services.AddHostedService(static provider => provider.GetRequiredService<ObjectStoreGate>());
    builder.AddWriter();
    var app = builder.Build();
    app.MapDefaultEndpoints();
    app.MapWriter();
    await app.RunAsync();
});
