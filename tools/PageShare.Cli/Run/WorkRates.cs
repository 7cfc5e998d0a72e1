namespace PageShare.Cli.Run;

/// <summary>How much guests work: pages in a second.</summary>
internal readonly record struct WorkRates(double ReadsPerSecond, double WritesPerSecond)
{
    // Each read is checked against a page that is made for it, which costs more than the read: this keeps the guests of
    // an ordinary run below a tenth of a core, so that the machine still counts as idle and scanning goes on.
    private const double UsualReads = 2000;

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsIdle => ReadsPerSecond <= 0 && WritesPerSecond <= 0;

    /// <summary>What all guests of a run do together. Images without a write rate lie still: they are a moment of a
    /// machine, and reading their zero pages would bring them all back.</summary>
    public static WorkRates Of(RunOptions options) =>
        options.HasImages && options.WriteRate == 0 ? default : new WorkRates(UsualReads, options.WriteRate);

    /// <summary>The share of one of several guests.</summary>
    public WorkRates Share(int guests) => new(ReadsPerSecond / guests, WritesPerSecond / guests);
}
