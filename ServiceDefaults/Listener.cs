namespace Woodpecker.ServiceDefaults;

/// <summary>
/// Which of the two ports a connection came in on. Set by the listener itself, so neither a Host header nor a forwarded
/// port can change it, and it holds for ports that the system chose too.
/// </summary>
internal sealed class Listener
{
    public static readonly Listener App = new();
    public static readonly Listener Internal = new();

    private Listener()
    {
    }
}
