using System.Collections.Concurrent;
using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Running;

namespace Aspire.Hosting.Diagnostics;

/// <summary>
/// Writes each resource's output to <c>logs/name.log</c> of the run directory: at most 16 MiB and one old file.
/// A full disk must not stop the application, so after the first failure a resource's file is given up.
/// </summary>
internal sealed class LogFiles(EmbeddedHostOptions options, TimeProvider time) : IDisposable
{
    private const long MaxFileSize = 16 * 1024 * 1024;

    private readonly ConcurrentDictionary<string, Entry> _files = new(StringComparer.OrdinalIgnoreCase);

    public void Append(string resourceName, LogLine line)
    {
        if (options.RunDirectory is not { } directory)
            return;
        var entry = _files.GetOrAdd(resourceName, name => new Entry(Path.Combine(directory, "logs", name + ".log")));
        entry.Append(time.GetUtcNow(), line);
    }

    public void Dispose()
    {
        foreach (var file in _files.Values)
            file.Dispose();
    }

    private sealed class Entry(string path) : IDisposable
    {
        private readonly Lock _gate = new();
        private StreamWriter? _writer;
        private bool _givenUp;

        public void Append(DateTimeOffset at, LogLine line)
        {
            lock (_gate)
            {
                if (_givenUp)
                    return;
                try
                {
                    _writer ??= Open();
                    _writer.Write(at.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture));
                    _writer.WriteLine(line.IsErrorMessage ? " ! " + line.Content : "   " + line.Content);
                    if (_writer.BaseStream.Length > MaxFileSize)
                        Rotate();
                }
                catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
                {
                    _givenUp = true;
                }
            }
        }

        public void Dispose()
        {
            lock (_gate)
            {
                _writer?.Dispose();
                _writer = null;
                _givenUp = true;
            }
        }

        private StreamWriter Open()
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var stream = new FileStream(path, FileMode.Append, FileAccess.Write,
                FileShare.ReadWrite | FileShare.Delete);
            return new StreamWriter(stream) { AutoFlush = true };
        }

        private void Rotate()
        {
            _writer!.Dispose();
            _writer = null;
            File.Move(path, path + ".1", overwrite: true);
        }
    }
}
