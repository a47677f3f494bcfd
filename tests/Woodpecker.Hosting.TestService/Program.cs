// A project for the app host tests: shows its environment and its arguments, and ends when asked.
using System.Collections;

var app = WebApplication.CreateBuilder(args).Build();
app.MapGet("/health", static () => "healthy");
app.MapGet("/environment", static () => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
    .ToDictionary(static e => (string)e.Key, static e => (string?)e.Value));
app.MapGet("/arguments", () => args);
app.MapGet("/directory", static () => Environment.CurrentDirectory);
app.MapPost("/exit/{code:int}", static (int code) => Environment.Exit(code));
app.Run();
