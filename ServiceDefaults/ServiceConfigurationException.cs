namespace Woodpecker.ServiceDefaults;

/// <summary>A setting is missing or cannot be used. The message is one sentence that names the key.</summary>
public sealed class ServiceConfigurationException(string message) : Exception(message);
