using System.Text;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Woodpecker.Protocol.Control;
using Woodpecker.Protocol.V1;
using Woodpecker.Reading;

namespace Woodpecker.Protocol.Mapping;

/// <summary>
/// Entries to and from wire messages. Payloads are wrapped, not copied: a <see cref="ByteString"/> made here shares the
/// entry's memory, which must not change while the message lives (entries are immutable by contract).
/// </summary>
public static class EntryMapping
{
    /// <summary>A read entry as a message.</summary>
    public static ReadEntry ToWire(in LogEntry entry)
    {
        var wire = new ReadEntry
        {
            Offset = entry.Offset.Value,
            Timestamp = entry.Timestamp,
            Payload = UnsafeByteOperations.UnsafeWrap(entry.Payload),
        };
        Fill(wire.Headers, entry.Headers);
        if (entry.Producer is { } stamp)
            wire.Producer = ToWire(stamp);
        return wire;
    }

    /// <summary>A read entry from a message.</summary>
    public static LogEntry ToEntry(ReadEntry wire)
    {
        ArgumentNullException.ThrowIfNull(wire);
        ProducerStamp? stamp = wire.Producer is { } producer ? ToStamp(producer) : null;
        return new LogEntry(
            new Offset(wire.Offset), wire.Timestamp, wire.Payload.Memory, ToHeaders(wire.Headers), stamp);
    }

    /// <summary>An entry to append as a message.</summary>
    public static V1.NewEntry ToWire(in NewEntry entry)
    {
        var wire = new V1.NewEntry { Payload = UnsafeByteOperations.UnsafeWrap(entry.Payload) };
        if (entry.Headers is { Count: > 0 } headers)
            Fill(wire.Headers, headers);
        return wire;
    }

    /// <summary>An entry to append from a message; checks the limits of headers.</summary>
    /// <exception cref="WoodpeckerException">Too many or too large headers, or one without a name.</exception>
    public static NewEntry ToNewEntry(V1.NewEntry wire)
    {
        ArgumentNullException.ThrowIfNull(wire);
        if (wire.Headers.Count == 0)
            return new NewEntry(wire.Payload.Memory);
        var headers = ToHeaders(wire.Headers);
        CheckHeaders(headers);
        return new NewEntry(wire.Payload.Memory, headers);
    }

    /// <summary>The producer fields of a batch whose first entry has the stamp.</summary>
    public static ProducerBatch ToWire(ProducerStamp first) => new()
    {
        ProducerId = IdentityMapping.ToWire(first.ProducerId),
        ProducerEpoch = first.ProducerEpoch,
        FirstSequence = first.Sequence,
    };

    /// <summary>The stamp of a batch's first entry.</summary>
    /// <exception cref="WoodpeckerException">The producer id has not 16 bytes.</exception>
    public static ProducerStamp ToStamp(ProducerBatch wire)
    {
        ArgumentNullException.ThrowIfNull(wire);
        return new ProducerStamp(
            IdentityMapping.ToGuid(wire.ProducerId, "producer_id"), wire.ProducerEpoch, wire.FirstSequence);
    }

    /// <summary>A read entry as JSON.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="asText">Whether to show a payload that is valid UTF-8 as text instead of base64.</param>
    public static EntryBody ToBody(in LogEntry entry, bool asText)
    {
        var text = asText ? TryDecode(entry.Payload.Span) : null;
        return new EntryBody
        {
            Offset = entry.Offset.Value,
            Timestamp = entry.Timestamp,
            Payload = text is null ? entry.Payload.ToArray() : null,
            Text = text,
            Headers = ToBodies(entry.Headers),
            Producer = entry.Producer is { } stamp
                ? new ProducerBody { Id = stamp.ProducerId, Epoch = stamp.ProducerEpoch, Sequence = stamp.Sequence }
                : null,
        };
    }

    /// <summary>
    /// An entry to append from JSON; checks that it has exactly one form of payload, and the limits of headers.
    /// </summary>
    /// <exception cref="WoodpeckerException">Neither or both of payload and text, or bad headers.</exception>
    public static NewEntry ToNewEntry(NewEntryBody? body)
    {
        // JSON says null where the type says that it cannot be.
        if (body is null)
            throw new WoodpeckerException(ErrorKind.Invalid, "An entry is null.");
        if (body.Payload is null == body.Text is null)
            throw new WoodpeckerException(ErrorKind.Invalid, "An entry needs either 'payload' (base64) or 'text'.");
        ReadOnlyMemory<byte> payload = body.Payload ?? Encoding.UTF8.GetBytes(body.Text!);
        if (body.Headers is not { Count: > 0 } given)
            return new NewEntry(payload);
        var headers = new EntryHeaderField[given.Count];
        for (var i = 0; i < headers.Length; i++)
        {
            if (given[i] is not { Name: not null, Value: not null })
                throw new WoodpeckerException(ErrorKind.Invalid, "A header is null, or its name or value is.");
            headers[i] = new EntryHeaderField(given[i].Name, given[i].Value);
        }

        CheckHeaders(headers);
        return new NewEntry(payload, headers);
    }

    private static void CheckHeaders(EntryHeaderField[] headers)
    {
        if (headers.Length > Limits.MaxHeaders)
        {
            throw new WoodpeckerException(
                ErrorKind.Invalid, $"An entry has at most {Limits.MaxHeaders} headers; this one has {headers.Length}.");
        }

        long size = 0;
        foreach (var header in headers)
        {
            if (string.IsNullOrEmpty(header.Name))
                throw new WoodpeckerException(ErrorKind.Invalid, "A header needs a name.");
            size += Encoding.UTF8.GetByteCount(header.Name) + header.Value.Length;
        }

        if (size > Limits.MaxHeadersSize)
        {
            throw new WoodpeckerException(
                ErrorKind.Invalid,
                $"Headers of an entry have at most {Limits.MaxHeadersSize} bytes; these have {size}.");
        }
    }

    private static EntryHeaderField[] ToHeaders(RepeatedField<Header> wire)
    {
        if (wire.Count == 0)
            return [];
        var headers = new EntryHeaderField[wire.Count];
        for (var i = 0; i < headers.Length; i++)
            headers[i] = new EntryHeaderField(wire[i].Name, wire[i].Value.Memory);
        return headers;
    }

    private static void Fill(RepeatedField<Header> wire, IReadOnlyList<EntryHeaderField> headers)
    {
        for (var i = 0; i < headers.Count; i++)
        {
            var value = UnsafeByteOperations.UnsafeWrap(headers[i].Value);
            wire.Add(new Header { Name = headers[i].Name, Value = value });
        }
    }

    private static HeaderBody[]? ToBodies(IReadOnlyList<EntryHeaderField> headers)
    {
        if (headers.Count == 0)
            return null;
        var bodies = new HeaderBody[headers.Count];
        for (var i = 0; i < bodies.Length; i++)
            bodies[i] = new HeaderBody { Name = headers[i].Name, Value = headers[i].Value.ToArray() };
        return bodies;
    }

    private static string? TryDecode(ReadOnlySpan<byte> bytes) =>
        System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null;
}
