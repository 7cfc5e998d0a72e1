using PageShare.Merge;

namespace PageShare.UnitTests.Merge;

public sealed class FillRowsTests
{
    private const int Plan = 1;

    [Theory]
    [InlineData("F7", 1)]
    [InlineData("F7 F7 F7", 3)]
    [InlineData("P7 F7 P7", 3)] // whatever they would share with
    [InlineData("F7 F7 F8", 2)]
    [InlineData("F7 - F7", 1)]
    [InlineData("F7 u7 F7", 1)] // not ready
    [InlineData("Z7 Z7", 1)] // holes need no frames
    public void AStretchEndsWhereItsContentDoes(string pages, int length)
    {
        Candidate[] candidates = [.. pages.Split(' ').Select(static (page, index) => page[0] switch
        {
            'F' => new Candidate(CandidateKind.Frame, (uint)index, page[1], IsReady: true),
            'P' => new Candidate(CandidateKind.Pair, (uint)index, page[1], IsReady: true),
            'u' => new Candidate(CandidateKind.Frame, (uint)index, page[1], IsReady: false),
            'Z' => new Candidate(CandidateKind.Zero, 0, page[1], IsReady: true),
            _ => default,
        })];

        Assert.Equal(length, FillRows.EndOfStretch(candidates, 0));
    }

    [Theory]
    [InlineData(64, 64, 2, true)]
    [InlineData(64, 64, 1, false)]
    [InlineData(65, 64, 3, true)]
    [InlineData(65, 64, 2, false)]
    [InlineData(512, 64, 9, true)]
    [InlineData(512, 64, 8, false)]
    public void AStretchTakesAMappingForEachTimeThroughTheRowAndOneBehind(int pages, int copies, int limit, bool fits) =>
        Assert.Equal(fits, FillRows.TryReserve(new MappingBudget { Limit = limit }, pages, copies, Plan));
}
