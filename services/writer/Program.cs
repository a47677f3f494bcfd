using Woodpecker.Metadata.Etcd;
using Woodpecker.ServiceDefaults;
using Woodpecker.Storage.Registration;
using Woodpecker.Storage.S3;
using Woodpecker.Writer;

var builder = WebApplication.CreateBuilder(args);
var configuration = builder.Configuration;
builder.AddServiceDefaults();
builder.Services.AddEtcdMetadata(configuration.GetConnectionString("metadata"));
builder.Services.AddObjectStore(
    configuration.GetConnectionString("objects"), static schemes => schemes.AddFile().AddS3());
builder.AddWriter();
var app = builder.Build();
app.MapDefaultEndpoints();
app.MapWriter();
await app.RunAsync();
