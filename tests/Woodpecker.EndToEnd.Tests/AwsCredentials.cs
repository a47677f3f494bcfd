using Woodpecker.Testing.Objects;

namespace Woodpecker.EndToEnd.Tests;

/// <summary>Credentials where the usual AWS chain of a started service finds them: in the inherited environment.</summary>
internal sealed class AwsCredentials : IDisposable
{
    private const string Key = "AWS_ACCESS_KEY_ID";
    private const string Secret = "AWS_SECRET_ACCESS_KEY";

    private readonly (string? Key, string? Secret) _before =
        (Environment.GetEnvironmentVariable(Key), Environment.GetEnvironmentVariable(Secret));

    public AwsCredentials(S3Server server) => Set(server.Credentials);

    public void Dispose() => Set(_before);

    private static void Set((string? Key, string? Secret) values)
    {
        Environment.SetEnvironmentVariable(Key, values.Key);
        Environment.SetEnvironmentVariable(Secret, values.Secret);
    }
}
