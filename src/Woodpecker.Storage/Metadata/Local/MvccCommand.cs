namespace Woodpecker.Storage.Metadata.Local;

/// <summary>Something the writer is asked to decide; answered once its group is durable.</summary>
internal abstract class MvccCommand
{
    /// <summary>Decides; refusals are kept for <see cref="Complete"/>.</summary>
    public abstract void Evaluate(MvccWriter writer);

    /// <summary>Answers the caller: the group is durable.</summary>
    public abstract void Complete();

    /// <summary>Answers the caller: the group could not be made durable, or was never tried.</summary>
    public abstract void Fail(MvccException failure);
}

/// <summary>A command with a result.</summary>
internal sealed class MvccCommand<TResult>(Func<MvccWriter, TResult> evaluate) : MvccCommand
{
    private readonly TaskCompletionSource<TResult> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TResult? _result;
    private MvccException? _refusal;

    public Task<TResult> Answer => _answer.Task;

    public override void Evaluate(MvccWriter writer)
    {
        try
        {
            _result = evaluate(writer);
        }
        catch (MvccException refusal)
        {
            _refusal = refusal;
        }
    }

    public override void Complete()
    {
        if (_refusal is null)
            _answer.SetResult(_result!);
        else
            _answer.SetException(_refusal);
    }

    public override void Fail(MvccException failure) => _answer.SetException(failure);
}
