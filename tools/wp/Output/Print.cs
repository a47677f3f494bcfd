namespace Woodpecker.Tool.Output;

/// <summary>Lines of results on standard output.</summary>
internal static class Print
{
    public static void Line(string text) => Console.Out.WriteLine(text);
}
