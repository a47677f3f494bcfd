namespace Woodpecker.Faults;

/// <summary>Seconds of a cell. Its preparation and its reading back overlap those of its neighbours.</summary>
/// <param name="Prepare">Logs created, clients warm.</param>
/// <param name="Waited">For the cell before.</param>
/// <param name="Fault">The fault, with the restart of what it killed.</param>
/// <param name="Mend">Until every log took appends and everybody was healthy.</param>
/// <param name="Check">Everything read back and checked.</param>
internal sealed record CellCost(double Prepare = 0, double Waited = 0, double Fault = 0, double Mend = 0, double Check = 0);
