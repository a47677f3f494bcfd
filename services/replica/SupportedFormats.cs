namespace Woodpecker.Replica;

/// <summary>Format versions this build reads and writes; exchanged in Hello.</summary>
internal static class SupportedFormats
{
    public const uint Min = 1;
    public const uint Max = 1;
}
