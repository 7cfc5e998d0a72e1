namespace PageShare.Cli.Run;

/// <summary>Decides when nothing more can be shared: two complete passes in a row that merged nothing.</summary>
/// <remarks>
/// The first pass over new memory says nothing: it learns hashes, and a page is merged when its hash was the same
/// twice.
/// </remarks>
internal sealed class Convergence
{
    private const int QuietPasses = 2;

    private int _quiet;

    /// <summary>Passes seen, complete ones.</summary>
    public int Passes { get; private set; }

    /// <summary>Whether it is reached.</summary>
    public bool IsReached => _quiet >= QuietPasses;

    /// <summary>Takes note of a pass.</summary>
    public void Add(PassReport pass)
    {
        if (!pass.Completed)
        {
            return;
        }

        Passes++;
        _quiet = pass.PagesMerged == 0 && Passes > 1 ? _quiet + 1 : 0;
    }
}
