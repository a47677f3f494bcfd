using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.Transport;
using Woodpecker.Storage.Metadata.Transactions;

namespace Woodpecker.Client.Remote;

/// <summary>
/// HTTP control calls. All of them are idempotent, so one that nobody answered is repeated, at the next app id, within
/// the patience.
/// </summary>
internal sealed class ControlCalls(IPeerChannels channels, TimeSpan patience, TimeProvider time)
{
    private const int MaxAnswerBytes = 16 * 1024 * 1024;
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(100);

    /// <summary>Calls and reads the answer.</summary>
    public async ValueTask<(int Status, T Answer)> CallAsync<T>(
        IReadOnlyList<string> peers,
        Func<HttpRequestMessage> makeRequest,
        JsonTypeInfo<T> answer,
        CancellationToken cancellationToken)
        where T : class
    {
        var (status, body) = await CallAsync(peers, makeRequest, cancellationToken).ConfigureAwait(false);
        try
        {
            var value = JsonSerializer.Deserialize(body, answer)
                ?? throw new WoodpeckerException(ErrorKind.Internal, "The answer of a service is null.");
            return (status, value);
        }
        catch (JsonException e)
        {
            throw new WoodpeckerException(
                ErrorKind.Internal, "The answer of a service is not of the documented shape.", e);
        }
    }

    /// <summary>Calls; answers status and body of a success.</summary>
    /// <exception cref="WoodpeckerException">The failure the service answered, or Unavailable.</exception>
    public async ValueTask<(int Status, byte[] Body)> CallAsync(
        IReadOnlyList<string> peers, Func<HttpRequestMessage> makeRequest, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var pause = _firstPause;
        for (var attempt = 0; ; attempt++)
        {
            var peer = peers[attempt % peers.Count];
            try
            {
                return await CallOnceAsync(peer, makeRequest, cancellationToken).ConfigureAwait(false);
            }
            catch (WoodpeckerException e) when (
                e.Kind is ErrorKind.Unavailable or ErrorKind.Indeterminate && e.Reason != ClusterGuard.Reason
                    && time.GetElapsedTime(start) + pause < patience)
            {
                await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
                pause *= 2;
            }
        }
    }

    /// <summary>A request with a JSON body.</summary>
    public static HttpRequestMessage WithBody<T>(HttpMethod method, string path, T body, JsonTypeInfo<T> type)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, type));
        content.Headers.ContentType = new MediaTypeHeaderValue(MediaTypes.Json);
        return new HttpRequestMessage(method, path) { Content = content };
    }

    private async ValueTask<(int Status, byte[] Body)> CallOnceAsync(
        string peer, Func<HttpRequestMessage> makeRequest, CancellationToken cancellationToken)
    {
        try
        {
            var client = channels.GetControlClient(peer);
            using var request = makeRequest();
            // A request message takes the version of HTTP/1.1 by itself; the client knows which one its peer speaks.
            request.Version = client.DefaultRequestVersion;
            request.VersionPolicy = client.DefaultVersionPolicy;
            using var response = await client.SendAsync(request, cancellationToken).ConfigureAwait(false);
            var body = await ReadAsync(response.Content, cancellationToken).ConfigureAwait(false);
            var status = (int)response.StatusCode;
            return response.IsSuccessStatusCode
                ? (status, body)
                : throw ProblemMapping.FromProblem(status, TryParse(response, body), peer);
        }
        catch (HttpRequestException e)
        {
            throw new WoodpeckerException(ErrorKind.Unavailable, $"{peer} cannot be reached: {e.Message}", e);
        }
        catch (IOException e)
        {
            throw new WoodpeckerException(ErrorKind.Unavailable, $"The answer of {peer} broke off: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new WoodpeckerException(ErrorKind.Unavailable, $"{peer} did not answer in time.", e);
        }
        catch (TransportConfigurationException e)
        {
            throw new WoodpeckerException(ErrorKind.Invalid, e.Message, e);
        }
    }

    private static async ValueTask<byte[]> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentLength > MaxAnswerBytes)
            throw new WoodpeckerException(ErrorKind.Internal, "The answer of a service is too large.");
        await content.LoadIntoBufferAsync(MaxAnswerBytes, cancellationToken).ConfigureAwait(false);
        return await content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
    }

    private static ProblemBody? TryParse(HttpResponseMessage response, byte[] body)
    {
        var type = response.Content.Headers.ContentType?.MediaType;
        if (type is not (MediaTypes.Problem or MediaTypes.Json))
            return null;
        try
        {
            var problem = JsonSerializer.Deserialize(body, ControlJson.Default.ProblemBody);
            // What a sidecar says of its own has another shape: {"errorCode":..., "message":...}.
            return problem is { Kind: null, Detail: null, Title: null }
                ? JsonSerializer.Deserialize(body, SidecarJson.Default.SidecarError) is { ErrorCode: not null } error
                    ? new ProblemBody { Title = error.ErrorCode, Detail = error.Message }
                    : null
                : problem;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
