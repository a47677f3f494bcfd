using Woodpecker.Faults;
using Woodpecker.Faults.Faults;
using Woodpecker.Faults.Network;

try
{
    var options = FaultOptions.Parse(args);
    var all = Cell.InRounds(FaultTable.All);
    if (options.List)
    {
        foreach (var cell in all)
            Console.WriteLine(cell.Name);
        foreach (var reason in Cell.LeftOut(FaultTable.All))
            Console.WriteLine($"left out: {reason}");
        return 0;
    }

    if (options.ReportsOnly)
        return await MatrixReport.MakeAsync(options, all);
    var cells = all.Where(c => options.Asks(c.Fault.Name, c.Phase)).ToList();
    if (cells.Count == 0)
        throw new ArgumentException(options.Cells.Count == 0 ? "Nothing to do." : $"No cell is called {string.Join(", ", options.Cells)}; see --list.");
    if (options.HasNamespace)
        PacketLoss.EnterNamespace(args); // Does not return where it can be had.
    return await new Matrix(options, all, cells).RunAsync();
}
catch (ArgumentException e)
{
    Console.Error.WriteLine(e.Message);
    Console.Error.WriteLine(FaultOptions.Usage);
    return 2;
}
