namespace Aspire.Hosting.Processes;

/// <summary>A process to start. <see cref="Environment"/> is complete: nothing else is inherited.</summary>
internal sealed record ProcessSpec(string FileName, IReadOnlyList<string> Arguments, string WorkingDirectory,
    IReadOnlyDictionary<string, string> Environment);
