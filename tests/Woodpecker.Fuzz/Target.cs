namespace Woodpecker.Fuzz;

/// <summary>One decoder under test.</summary>
/// <param name="Name">Name of the target and of its corpus folder.</param>
/// <param name="Run">Decodes the input. Returns for anything the decoder promises; throws for anything else.</param>
/// <param name="Seeds">Inputs to begin with, apart from the kept corpus.</param>
internal sealed record Target(string Name, Action<byte[]> Run, IEnumerable<byte[]> Seeds)
{
    /// <summary>Makes checksums of a changed input right again, so that more than the checksum is tested.</summary>
    public Action<byte[]> Repair { get; init; } = static _ => { };

    /// <summary>What a decode may allocate, beyond 64 bytes for each byte of the input.</summary>
    public long MaxAllocation { get; init; } = 1 << 20;

    /// <summary>CPU time a run may need, in milliseconds.</summary>
    public int MaxMilliseconds { get; init; } = 10;
}
