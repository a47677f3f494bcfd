using System.Security.Cryptography;
using System.Text;
using Dapr.Sidecar.Embedded.Forwarding;
using Microsoft.AspNetCore.Http;

namespace Dapr.Sidecar.Embedded.Api;

/// <summary>The secret that callers of this sidecar's API must present, if one is set.</summary>
internal sealed class ApiToken(string? token)
{
    private readonly byte[]? _expected = token is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>Hashes of equal length are compared, so the time tells nothing about the token.</summary>
    public bool Accepts(HttpRequest request)
    {
        if (_expected is null)
        {
            return true;
        }

        Span<byte> given = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(request.Headers[DaprHeaders.ApiToken].ToString()), given);
        return CryptographicOperations.FixedTimeEquals(given, _expected);
    }
}
