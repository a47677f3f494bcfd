namespace Woodpecker.AppHost.Plan;

/// <summary>
/// Ranges of ports that belong to one AppHost of this user while it runs, by a locked file each. A port that was free
/// when the plan was made is bound seconds later; without this a second AppHost could choose it in between.
/// </summary>
internal sealed class PortReservation : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"woodpecker-ports-{Environment.UserName}");
    private readonly List<FileStream> _locks = [];

    /// <summary>Takes the range that starts at <paramref name="first"/>; false if another AppHost has it.</summary>
    public bool TryTake(int first)
    {
        try
        {
            Directory.CreateDirectory(_folder);
            var path = Path.Combine(_folder, first.ToString(System.Globalization.CultureInfo.InvariantCulture));
            _locks.Add(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        foreach (var held in _locks)
            held.Dispose();
        _locks.Clear();
    }
}
