namespace Dapr.Sidecar.Embedded.Forwarding;

/// <summary>The limit on a whole HTTP body, which may be of unknown length.</summary>
internal sealed class LengthMeter(long maxBytes) : IBodyMeter
{
    private long _total;

    public bool Exceeded => _total > maxBytes;

    public bool Take(ReadOnlySpan<byte> bytes)
    {
        _total += bytes.Length;
        return !Exceeded;
    }
}
