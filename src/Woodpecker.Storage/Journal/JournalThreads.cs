using System.Diagnostics.CodeAnalysis;

namespace Woodpecker.Storage.Journal;

/// <summary>A thread for every loop: the way of every process.</summary>
public sealed class JournalThreads : IJournalExecutor
{
    /// <summary>The only instance: it has no state.</summary>
    public static readonly JournalThreads Instance = new();

    private JournalThreads()
    {
    }

    /// <inheritdoc/>
    public IJournalLoop Start(string name, Func<JournalTurn> turn) => new Loop(name, turn);

    [SuppressMessage("Design", "CA1001", Justification = "A loop is woken until its end, from any thread; the event goes with it.")]
    private sealed class Loop : IJournalLoop
    {
        private readonly AutoResetEvent _wake = new(initialState: false);
        private readonly Func<JournalTurn> _turn;
        private readonly Thread _thread;
        private volatile bool _isOver;

        public Loop(string name, Func<JournalTurn> turn)
        {
            _turn = turn;
            _thread = new Thread(Run) { IsBackground = true, Name = name };
            _thread.Start();
        }

        public void Wake()
        {
            if (!_isOver)
                _wake.Set();
        }

        public void Join() => _thread.Join();

        private void Run()
        {
            while (true)
            {
                switch (_turn())
                {
                    case JournalTurn.Wait:
                        _wake.WaitOne();
                        break;
                    case JournalTurn.End:
                        _isOver = true;
                        return;
                }
            }
        }
    }
}
