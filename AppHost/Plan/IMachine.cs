namespace Woodpecker.AppHost.Plan;

/// <summary>What a plan asks the machine; a table in tests.</summary>
internal interface IMachine
{
    /// <summary>
    /// The program at <paramref name="path"/>, or the first of that name on PATH; null if there is none or it is too
    /// old.
    /// </summary>
    Tool? FindTool(string name, string? path, Version lowest);

    bool IsPortFree(int port);

    /// <summary>
    /// A port that is free now and not in <paramref name="taken"/>, below the range the system gives to outgoing
    /// connections.
    /// </summary>
    int FreePort(ISet<int> taken);

    /// <summary>
    /// Keeps other AppHosts of this user away from the ports of a base while this one runs; false if one is there
    /// already.
    /// </summary>
    bool ReservePorts(int first);

    /// <summary>An unguessable token.</summary>
    string NewToken();
}
