using PageShare.PageTable;

namespace PageShare.UnitTests.PageTable;

public class PageStateTests
{
    // The arrows of pageshare.h's diagram, typed from the picture and not from the table under test.
    private static readonly HashSet<(PageState From, PageState To)> Arrows =
    [
        (PageState.Private, PageState.Sealed),
        (PageState.Sealed, PageState.Private),
        (PageState.Sealed, PageState.Remapping),
        (PageState.Sealed, PageState.Zero),
        (PageState.Remapping, PageState.Shared),
        (PageState.Remapping, PageState.KernelShared),
        (PageState.Remapping, PageState.Private),
        (PageState.Zero, PageState.Sealed),
        (PageState.Zero, PageState.Private),
        (PageState.Shared, PageState.Breaking),
        (PageState.KernelShared, PageState.Breaking),
        (PageState.Breaking, PageState.Private),
        (PageState.Breaking, PageState.Shared),
        (PageState.Breaking, PageState.KernelShared),
    ];

    public static TheoryData<int, int> AllPairs()
    {
        var pairs = new TheoryData<int, int>();
        for (var from = 0; from <= PageStates.Count; from++)
        {
            for (var to = 0; to <= PageStates.Count; to++)
            {
                pairs.Add(from, to);
            }
        }

        return pairs;
    }

    [Theory]
    [MemberData(nameof(AllPairs))]
    public void MoveIsLegalExactlyWhereTheDiagramHasAnArrow(int from, int to) =>
        Assert.Equal(
            Arrows.Contains(((PageState)from, (PageState)to)),
            PageStates.IsLegal((PageState)from, (PageState)to));

    [Fact]
    public void EveryStateIsCounted() => Assert.Equal(PageStates.Count, Enum.GetValues<PageState>().Length);

    [Fact]
    public void TransientStatesAreThoseThatOneCallEnters()
    {
        PageState[] transient = [PageState.Sealed, PageState.Remapping, PageState.Breaking];
        Assert.Equal(transient, Enum.GetValues<PageState>().Where(PageStates.IsTransient));
    }

    [Fact]
    public void SharedStatesAreOneForEachFaultMode()
    {
        PageState[] shared = [PageState.Shared, PageState.KernelShared];
        Assert.Equal(shared, Enum.GetValues<PageState>().Where(PageStates.IsShared));
    }

    [Fact]
    public void EveryStateFromTheRemapToTheEndOfTheBreakNamesItsFrame()
    {
        PageState[] named = [PageState.Remapping, PageState.Shared, PageState.KernelShared, PageState.Breaking];
        Assert.Equal(named, Enum.GetValues<PageState>().Where(PageStates.NamesFrame));
    }
}
