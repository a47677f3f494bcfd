using Woodpecker.Simulation.Engine;

namespace Woodpecker.Simulation.Models;

/// <summary>One request to a store outside of the nodes, and its answer: two events with whatever comes between.</summary>
internal static class RemoteCall
{
    /// <summary>Runs a call.</summary>
    /// <param name="sim">The world.</param>
    /// <param name="caller">Whose call it is: the answer to a dead caller is dropped.</param>
    /// <param name="kind">For the trace.</param>
    /// <param name="there">Way to the store.</param>
    /// <param name="back">Way back; null: the answer is lost.</param>
    /// <param name="execute">What the store does; null: the request is lost.</param>
    /// <param name="timeout">After this the caller gives up.</param>
    /// <param name="onTimeout">What the caller then hears.</param>
    /// <param name="cancellationToken">The caller gives up earlier.</param>
    /// <param name="onCancel">What it then hears; null for the usual exception.</param>
    public static Task<T> SendAsync<T>(
        Simulator sim,
        Life caller,
        string kind,
        TimeSpan there,
        TimeSpan? back,
        Func<T>? execute,
        TimeSpan timeout,
        Func<Exception> onTimeout,
        CancellationToken cancellationToken,
        Func<Exception>? onCancel = null)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var limit = sim.After(timeout, caller, kind + "-timeout", () => done.TrySetException(onTimeout()));
        if (execute is not null)
        {
            sim.After(there, null, kind, () =>
            {
                T? result = default;
                Exception? error = null;
                try
                {
                    result = execute();
                }
                catch (Exception e) when (e is Storage.Metadata.MetadataException or Storage.Objects.ObjectStoreException)
                {
                    error = e;
                }

                if (back is not { } way)
                    return;
                sim.After(way, caller, kind + "-answer", () =>
                {
                    limit.IsCancelled = true;
                    if (error is null)
                        done.TrySetResult(result!);
                    else
                        done.TrySetException(error);
                });
            });
        }

        if (cancellationToken.CanBeCanceled)
        {
            cancellationToken.UnsafeRegister(
                _ =>
                {
                    limit.IsCancelled = true;
                    if (onCancel is null)
                        done.TrySetCanceled(cancellationToken);
                    else
                        done.TrySetException(onCancel());
                },
                null);
        }

        return done.Task;
    }
}
