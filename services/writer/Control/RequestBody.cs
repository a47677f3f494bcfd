using System.Buffers;
using Woodpecker.Services;

namespace Woodpecker.Writer.Control;

/// <summary>Request bodies with a bound that is checked before memory is taken.</summary>
internal static class RequestBody
{
    /// <summary>Reads the whole body; Invalid (TooLarge) beyond <paramref name="most"/> bytes.</summary>
    public static async ValueTask<byte[]> ReadAsync(HttpRequest request, int most, CancellationToken cancellationToken)
    {
        if (request.ContentLength > most)
            throw TooLarge(most);
        while (true)
        {
            var result = await request.BodyReader.ReadAsync(cancellationToken);
            if (result.Buffer.Length > most)
                throw TooLarge(most);
            if (result.IsCompleted)
            {
                var bytes = result.Buffer.ToArray();
                request.BodyReader.AdvanceTo(result.Buffer.End);
                return bytes;
            }

            request.BodyReader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private static WoodpeckerException TooLarge(int most) =>
        Problems.Invalid($"The body is larger than the limit of {most} bytes.", "TooLarge");
}
