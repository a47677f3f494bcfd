using Grpc.Core;

namespace Woodpecker.Protocol.Transport;

/// <summary>
/// The way to a peer by its app id; callers see neither sidecars nor addresses. Safe for many threads, one instance per
/// process. Nothing is retried here: the protocol repeats with its own identity (epoch, EntryId, sequence).
/// </summary>
public interface IPeerChannels : IDisposable
{
    /// <summary>
    /// For gRPC calls to <paramref name="appId"/>. Cheap and cached; does not connect. A stream that ends with anything
    /// but OK has an unknown outcome, and response headers may come only with the first message: never wait for them.
    /// </summary>
    /// <exception cref="ArgumentException">The id is not a lower-case app id.</exception>
    /// <exception cref="TransportConfigurationException">Direct transport and no address for this id.</exception>
    CallInvoker GetInvoker(string appId);

    /// <summary>
    /// For HTTP control calls to <paramref name="appId"/>, with relative addresses such as <c>logs/demo</c>. Owned by
    /// this object: do not dispose, do not change. Its timeout covers the answer's headers, and the body too unless
    /// <see cref="HttpCompletionOption.ResponseHeadersRead"/> is asked for.
    /// A sidecar may repeat a call of known length, so control calls must be idempotent.
    /// </summary>
    /// <exception cref="ArgumentException">The id is not a lower-case app id.</exception>
    /// <exception cref="TransportConfigurationException">Direct transport and no address for this id.</exception>
    HttpClient GetControlClient(string appId);
}
