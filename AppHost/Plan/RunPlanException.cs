namespace Woodpecker.AppHost.Plan;

/// <summary>
/// The run cannot begin, for a reason the user can mend: the message is one sentence for them. Under the testing
/// builder it travels on to the test; otherwise the entry point prints it and ends with <see cref="ExitCode"/>.
/// </summary>
internal sealed class RunPlanException(string message, int exitCode = RunPlanException.Failed) : Exception(message)
{
    public const int Failed = 1;
    public const int BadOption = 2;

    public int ExitCode { get; } = exitCode;

    public bool UnderTest { get; set; }

    public static RunPlanException Option(string message) => new(message, BadOption);

    public void Print() => (ExitCode == 0 ? Console.Out : Console.Error).WriteLine(Message);
}
