namespace Woodpecker.Protocol.Transport;

/// <summary>A transport setting is missing or cannot be used. The message is one sentence that names the key.</summary>
public sealed class TransportConfigurationException(string message) : Exception(message);
