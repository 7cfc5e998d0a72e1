namespace PageShare.Cli.Tune;

/// <summary>Tells on standard error how far a long calculation is: one line that changes at a terminal, else a line now
/// and then.</summary>
/// <remarks>Thread-safe.</remarks>
/// <param name="output">Where to.</param>
/// <param name="isFile">Whether lines can't be written over.</param>
internal sealed class StepProgress(TextWriter output, bool isFile) : IDisposable
{
    private const int LinesInFiles = 5;
    private const string ClearLine = "\r\u001b[K";

    private readonly Lock _gate = new();
    private int _told;
    private bool _isOpen;

    /// <summary>Says what comes next.</summary>
    public void Tell(string what)
    {
        lock (_gate)
        {
            Show(what);
            _told = 0;
        }
    }

    /// <summary>Says how many steps are done.</summary>
    public void Step(string what, int done, int of)
    {
        lock (_gate)
        {
            int part = done * LinesInFiles / of;
            if (!isFile || part != _told)
            {
                Show($"{what}: {done} of {of}");
                _told = part;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isOpen)
        {
            output.Write(ClearLine);
        }
    }

    private void Show(string text)
    {
        if (isFile)
        {
            output.WriteLine(text);
            return;
        }

        output.Write($"{ClearLine}{text}");
        _isOpen = true;
    }
}
