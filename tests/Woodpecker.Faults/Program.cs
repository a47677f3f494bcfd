using Woodpecker.Faults;
using Woodpecker.Faults.Faults;

try
{
    var options = FaultOptions.Parse(args);
    var cells = Cell.InRounds(FaultTable.All).Where(c => options.List || options.Asks(c.Fault.Name, c.Phase)).ToList();
    if (options.List)
    {
        cells.ForEach(static c => Console.WriteLine(c.Name));
        return 0;
    }

    if (cells.Count == 0)
        throw new ArgumentException(options.Cells.Count == 0 ? "Nothing to do." : $"No cell is called {string.Join(", ", options.Cells)}; see --list.");
    return await new Matrix(options, cells).RunAsync();
}
catch (ArgumentException e)
{
    Console.Error.WriteLine(e.Message);
    Console.Error.WriteLine(FaultOptions.Usage);
    return 2;
}
