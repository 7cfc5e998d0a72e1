using PageShare.Merge;

namespace PageShare.UnitTests.Merge;

public sealed class BridgesTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("...", "")]
    [InlineData("bbb", "")] // nothing to lead to
    [InlineData("PP", "0-2")]
    [InlineData("bPPb", "1-3")] // from a pair to a pair
    [InlineData("PbP", "0-3")]
    [InlineData("PbbPPbbb.P", "0-5 9-10")]
    [InlineData("P.P", "0-1 2-3")] // what cannot be bridged ends a row
    [InlineData("PFP", "0-1 2-3")]
    [InlineData("PZP", "0-1 2-3")]
    [InlineData("PuP", "0-1 2-3")] // a pair that is not ready is none
    public void RowsLeadFromPairToPairOverBridges(string pages, string rows) =>
        Assert.Equal(rows, string.Join(' ', RowsOf(pages)));

    [Fact]
    public void NoGapIsLongerThanItIsWorth()
    {
        var gap = new string('b', Bridges.LongestGap);

        Assert.Equal([$"0-{Bridges.LongestGap + 2}"], RowsOf($"P{gap}P"));
        Assert.Equal(2, RowsOf($"P{gap}bP").Count);
    }

    private static List<string> RowsOf(string pages)
    {
        Candidate[] candidates = [.. pages.Select(static page => page switch
        {
            'P' => new Candidate(CandidateKind.Pair, 7, 1, IsReady: true),
            'u' => new Candidate(CandidateKind.Pair, 7, 1, IsReady: false),
            'b' => new Candidate(CandidateKind.Bridge, 0, 1, IsReady: true),
            'F' => new Candidate(CandidateKind.Frame, 7, 1, IsReady: true),
            'Z' => new Candidate(CandidateKind.Zero, 0, 1, IsReady: true),
            _ => default,
        })];
        var rows = new List<string>();
        for (var from = 0; Bridges.TryFind(candidates, from, out var start, out from);)
        {
            rows.Add($"{start}-{from}");
        }

        return rows;
    }
}
