using Woodpecker.Protocol.Mapping;
using Woodpecker.Protocol.V1;
using Woodpecker.Storage.Writing;

namespace Woodpecker.Writer.Ownership;

/// <summary>One batch on its way to the owner, answered exactly once.</summary>
/// <param name="batch">Borrowed until the answer.</param>
/// <param name="isSecondWay">Whether another writer refused it before: then a refusal is the answer (O2).</param>
internal sealed class ForwardedBatch(AppendBatch batch, bool isSecondWay)
{
    private readonly TaskCompletionSource<AppendResult> _answer =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AppendBatch Batch { get; } = batch;

    public bool IsSecondWay { get; } = isSecondWay;

    public Task<AppendResult> Task => _answer.Task;

    /// <summary>Number of the request on the stream.</summary>
    public ulong RequestId { get; set; }

    public void Answer(in AppendResult result) => _answer.TrySetResult(result);

    /// <summary>Answers with what another way brings.</summary>
    public async Task AnswerByAsync(ValueTask<AppendResult> other)
    {
        try
        {
            _answer.TrySetResult(await other);
        }
        catch (Exception e)
        {
            _answer.TrySetException(e);
        }
    }

    public AppendRequest ToWire(string log)
    {
        var facts = Batch.Facts;
        var request = new AppendRequest { RequestId = RequestId, Log = log };
        foreach (ref readonly var entry in Batch.Entries)
            request.Entries.Add(EntryMapping.ToWire(entry));
        if (facts.FirstStamp is { } stamp)
            request.Producer = EntryMapping.ToWire(stamp);
        if (facts.ExpectedOffset is { } expected)
            request.ExpectedOffset = expected.Value;
        if (facts.FencingToken is { } token)
            request.FencingToken = token;
        if (facts.SetFencingToken is { } setToken)
            request.SetFencingToken = setToken;
        return request;
    }
}
