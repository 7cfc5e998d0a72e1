using PageShare.Cli;
using PageShare.Memory;

namespace PageShare.Workloads.Traces;

/// <summary>Which memory a workload runs on: a folder of images, or made up.</summary>
/// <param name="Folder">The folder; null for made-up memory.</param>
/// <param name="SyntheticBytes">All guests of made-up memory together.</param>
/// <param name="Seed">Of made-up memory.</param>
internal sealed record TraceChoice(string? Folder, long SyntheticBytes, ulong Seed)
{
    private const int SyntheticGuests = 4;

    /// <summary>Whether made-up memory is a pair of equal guests.</summary>
    public bool IsPair { get; init; }

    /// <summary>Opens it.</summary>
    /// <exception cref="CommandException">The images can't be used, or memory does not suffice.</exception>
    public IMemoryTrace Open()
    {
        IMemoryTrace trace = Folder is not null ? ImageTrace.Open(Folder)
            : IsPair ? new PairTrace(SyntheticBytes / 2, Seed)
            : new SyntheticTrace(SyntheticGuests, SyntheticBytes / SyntheticGuests, Seed);
        var bytes = Enumerable.Range(0, trace.Guests.Count).Sum(guest => (long)trace.PagesOf(guest) * PageSize.Bytes);
        if (MemoryNeed.Refuses(bytes) is { } reason)
        {
            trace.Dispose();
            throw CommandException.Failed(reason);
        }

        return trace;
    }
}
