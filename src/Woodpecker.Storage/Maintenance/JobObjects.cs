using System.Runtime.CompilerServices;
using Woodpecker.Format.Objects;
using Woodpecker.Storage.Objects;

namespace Woodpecker.Storage.Maintenance;

/// <summary>Objects that jobs wrote: those whose names carry a token. Slots and strange names are left out (B9).</summary>
internal static class JobObjects
{
    public static async IAsyncEnumerable<(ObjectInfo Info, ObjectName Name, string Text)> ListAsync(
        IObjectStore store, string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var info in store.ListAsync(prefix, null, cancellationToken))
        {
            if (ObjectNames.TryParse(info.Key.Value, out var name) && name.Kind is ObjectKind.Segment or ObjectKind.Manifest)
                yield return (info, name, info.Key.Value);
        }
    }
}
