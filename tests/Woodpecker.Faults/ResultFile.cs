using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Woodpecker.Faults;

/// <summary>Results as JSON lines, appended when a cell ends, so that a run may be broken off, resumed and shared by processes.</summary>
internal static class ResultFile
{
    private static readonly JsonSerializerOptions _form = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    public static void Append(string path, CellResult result)
    {
        using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        file.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(result, _form) + "\n"));
    }

    /// <summary>All results in order; none if there is no file yet.</summary>
    /// <exception cref="ArgumentException">A line is no result.</exception>
    public static List<CellResult> Load(string path)
    {
        var results = new List<CellResult>();
        if (!File.Exists(path))
            return results;
        foreach (var (index, line) in File.ReadLines(path).Index())
        {
            try
            {
                results.Add(JsonSerializer.Deserialize<CellResult>(line, _form)!);
            }
            catch (JsonException e)
            {
                throw new ArgumentException($"Line {index + 1} of {path} is no result of a cell: {e.Message}");
            }
        }

        return results;
    }
}
