using Woodpecker.Fuzz;

// Coverage-guided fuzzing of every decoder. The libraries under test are copied and instrumented by SharpFuzz, which makes
// each branch write to a map; the loop in this process keeps inputs that reach something new. Usage: see Options.Usage.
var options = Options.Parse(args);
if (options is null)
{
    Console.Error.WriteLine(Options.Usage);
    return 2;
}

if (!options.IsInstrumented)
    return Instrumented.Start(args);

Coverage.Attach();
var targets = Targets.All.Where(target => options.Target is null || target.Name == options.Target).ToArray();
if (targets.Length == 0)
{
    Console.Error.WriteLine($"There is no target {options.Target}; there are {string.Join(", ", Targets.All.Select(static t => t.Name))}.");
    return 2;
}

if (options.Replay is { } file)
{
    var replay = new Loop(targets[0], "", Path.GetTempPath(), new Random(0));
    var isGood = replay.Try(null, File.ReadAllBytes(file));
    Console.WriteLine(isGood ? "The input is handled as promised." : string.Join(Environment.NewLine, replay.Failures));
    return isGood ? 0 : 1;
}

var failed = 0;
Console.WriteLine($"{"target",-18} {"runs",10} {"inputs",8} {"edges",8}  verdict (seed {options.Seed})");
foreach (var target in targets)
{
    var loop = new Loop(
        target, Path.Combine(options.Corpus, target.Name), Path.Combine(options.Crashes, target.Name), new Random(options.Seed));
    var edges = loop.Run(options.Time / targets.Length, options.Keeps);
    Console.WriteLine($"{target.Name,-18} {loop.Runs,10} {loop.Inputs,8} {edges,8}  {(loop.Failures.Count == 0 ? "good" : "FAILED")}");
    foreach (var failure in loop.Failures)
        Console.WriteLine(failure);
    // Without branches in the map nothing guides the search: that is a failure too.
    failed += loop.Failures.Count > 0 || edges == 0 ? 1 : 0;
}

Console.WriteLine($"{targets.Length - failed} passed, {failed} failed");
return failed == 0 ? 0 : 1;
