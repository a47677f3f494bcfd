using System.Text.Json;
using System.Text.Json.Serialization;

namespace Woodpecker.Testing.Histories;

/// <summary>A history as a file of JSON lines, one event each, in order.</summary>
public static class HistoryFile
{
    private static readonly JsonSerializerOptions _form = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    public static void Save(History history, string path)
    {
        using var file = File.CreateText(path);
        foreach (var line in history.Events)
            file.WriteLine(JsonSerializer.Serialize(line, _form));
    }

    /// <exception cref="InvalidDataException">A line is no event.</exception>
    public static History Load(string path)
    {
        var number = 0;
        var events = new List<HistoryEvent>();
        foreach (var line in File.ReadLines(path))
        {
            number++;
            try
            {
                events.Add(JsonSerializer.Deserialize<HistoryEvent>(line, _form)!);
            }
            catch (JsonException e)
            {
                throw new InvalidDataException($"Line {number} of {path} is no event of a history: {e.Message}", e);
            }
        }

        return new History(events);
    }
}
