using System.Globalization;

namespace Aspire.Hosting.Processes;

/// <summary>What the kernel says about a process, so that a recycled pid is never taken for the old process.</summary>
internal static class ProcessTable
{
    private const int StartTimeField = 22 - 3; // Field 22 of stat; the part behind the name starts with field 3.

    /// <summary>Start time in clock ticks since boot, or 0 where there is no /proc or no such process.</summary>
    public static long StartTime(int pid)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return long.Parse(fields[StartTimeField], CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException
            or IndexOutOfRangeException or ArgumentOutOfRangeException)
        {
            return 0;
        }
    }

    /// <summary>Short name of a process, or an empty string.</summary>
    public static string Name(int pid)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/comm")).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
