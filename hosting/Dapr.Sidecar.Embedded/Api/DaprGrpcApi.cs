using System.Buffers;
using System.Buffers.Binary;
using Dapr.Sidecar.Embedded.Cli;
using Dapr.Sidecar.Embedded.Forwarding;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Dapr.Sidecar.Embedded.Api;

/// <summary>The part of <c>dapr.proto.runtime.v1.Dapr</c> that equals the metadata and shutdown routes.</summary>
internal sealed class DaprGrpcApi(SidecarOptions options, SidecarState state, IHostApplicationLifetime lifetime)
{
    public const string Service = "/dapr.proto.runtime.v1.Dapr/";
    private const int PrefixBytes = 5;
    private const int MaxRequestBytes = 64 * 1024;

    public async Task HandleAsync(HttpContext context)
    {
        var method = context.Request.Path.Value![Service.Length..];
        if (await ReadMessageAsync(context) is not { } request)
        {
            await GrpcStatus.EndAsync(context, GrpcStatus.Internal, "the request is not one small message");
            return;
        }

        switch (method)
        {
            case "GetMetadata":
                await ReplyAsync(context, Describe().ToArray());
                break;
            case "SetMetadata" when ProtoReader.ReadStrings(request) is { } fields:
                var set = state.SetExtended(fields.GetValueOrDefault(1, ""), fields.GetValueOrDefault(2, ""));
                await (set ? ReplyAsync(context, []) : GrpcStatus.EndAsync(context, GrpcStatus.ResourceExhausted, "too many metadata values"));
                break;
            case "Shutdown":
                await ReplyAsync(context, []);
                lifetime.StopApplication();
                break;
            default:
                await GrpcStatus.EndAsync(
                    context, GrpcStatus.Unimplemented, $"{method} is not in the embedded sidecar; use daprd");
                break;
        }
    }

    private ProtoWriter Describe()
    {
        // Field numbers of GetMetadataResponse in Dapr's metadata.proto.
        var metadata = new ProtoWriter().String(1, options.AppId).String(8, SidecarState.RuntimeVersion);
        foreach (var (key, value) in state.Extended)
        {
            metadata.Message(4, new ProtoWriter().String(1, key).String(2, value));
        }

        return options.AppPort == 0
            ? metadata
            : metadata.Message(7, new ProtoWriter()
                .Number(1, options.AppPort)
                .String(2, MetadataApi.ProtocolName(options.AppProtocol))
                .String(3, options.AppChannelAddress)
                .Number(4, options.AppMaxConcurrency));
    }

    /// <summary>The one message of a unary call; null if it is compressed, too large or not there.</summary>
    private static async Task<byte[]?> ReadMessageAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        var read = await reader.ReadAtLeastAsync(PrefixBytes, context.RequestAborted);
        if (read.Buffer.Length < PrefixBytes)
        {
            reader.AdvanceTo(read.Buffer.End);
            return null;
        }

        var prefix = read.Buffer.Slice(0, PrefixBytes).ToArray();
        reader.AdvanceTo(read.Buffer.GetPosition(PrefixBytes));
        var length = BinaryPrimitives.ReadUInt32BigEndian(prefix.AsSpan(1));
        if (prefix[0] != 0 || length > MaxRequestBytes)
        {
            return null;
        }

        if (length == 0)
        {
            return [];
        }

        read = await reader.ReadAtLeastAsync((int)length, context.RequestAborted);
        var message = read.Buffer.Length < length ? null : read.Buffer.Slice(0, length).ToArray();
        reader.AdvanceTo(read.Buffer.End);
        return message;
    }

    private static async Task ReplyAsync(HttpContext context, byte[] message)
    {
        context.Response.ContentType = "application/grpc";
        var frame = new byte[PrefixBytes + message.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)message.Length);
        message.CopyTo(frame, PrefixBytes);
        await context.Response.Body.WriteAsync(frame, context.RequestAborted);
        context.Response.AppendTrailer("grpc-status", "0");
        await context.Response.CompleteAsync();
    }
}
