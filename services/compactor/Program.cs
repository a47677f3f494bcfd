using Woodpecker.Compactor;
using Woodpecker.Metadata.Etcd;
using Woodpecker.ServiceDefaults;
using Woodpecker.Services;
using Woodpecker.Storage.Registration;
using Woodpecker.Storage.S3;

return await ServiceProcess.RunAsync(async () =>
{
    var builder = WebApplication.CreateBuilder(args);
    var configuration = builder.Configuration;
    builder.AddServiceDefaults();
    builder.Services.AddEtcdMetadata(configuration.GetConnectionString("metadata"));
    builder.Services.AddObjectStore(
        configuration.GetConnectionString("objects"), static schemes => schemes.AddFile().AddS3());
    builder.AddCompactor();
    var app = builder.Build();
    app.MapDefaultEndpoints();
    app.MapCompactor();
    await app.RunAsync();
});
