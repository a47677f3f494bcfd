using System.Globalization;

namespace Woodpecker.Tool.Output;

/// <summary>
/// Tells on standard error how long work gets on: a line that is rewritten on a terminal, now and then a line
/// elsewhere.
/// </summary>
internal sealed class ProgressLine(string what, long? totalBytes, TimeProvider time)
{
    private static readonly TimeSpan _terminalInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _otherInterval = TimeSpan.FromSeconds(10);

    private readonly bool _isTerminal = !Console.IsErrorRedirected;
    private readonly long _start = time.GetTimestamp();
    private long _last = time.GetTimestamp();
    private bool _isShown;

    /// <summary>Shows the state if it was not shown lately.</summary>
    public void Report(long entries, long bytes)
    {
        if (time.GetElapsedTime(_last) < (_isTerminal ? _terminalInterval : _otherInterval))
            return;
        _last = time.GetTimestamp();
        var seconds = time.GetElapsedTime(_start).TotalSeconds;
        var share = totalBytes is > 0 ? $" ({100.0 * bytes / totalBytes.Value:F0} %)" : "";
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{what}: {entries} entries, {bytes / 1e6:F1} MB{share}, {bytes / 1e6 / seconds:F1} MB/s");
        Console.Error.Write(_isTerminal ? $"\r\u001b[K{text}" : text + Environment.NewLine);
        _isShown = true;
    }

    /// <summary>Removes the line.</summary>
    public void Clear()
    {
        if (_isShown && _isTerminal)
            Console.Error.Write("\r\u001b[K");
    }
}
