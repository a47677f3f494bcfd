using System.Runtime.InteropServices;

namespace Aspire.Hosting.Processes;

internal static partial class NativeMethods
{
    public const int SigInt = 2;
    public const int SigKill = 9;
    public const int SigTerm = 15;

    /// <summary>
    /// A negative <paramref name="pid"/> means the process group. 0 on success; failures (no such process) are no news.
    /// </summary>
    [LibraryImport("libc", EntryPoint = "kill")]
    public static partial int Kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "getppid")]
    public static partial int GetParentPid();
}
