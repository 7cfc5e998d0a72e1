using PageShare.Memory;
using PageShare.PageTable;

namespace PageShare.UnitTests.PageTable;

public sealed unsafe class PageWordsTests
{
    private static readonly PageNumber Page = new(1);

    [Fact]
    public void TransitionChangesThatWordAlone()
    {
        var memory = stackalloc ulong[3];
        var words = new PageWords(memory, 3);

        Assert.True(words.TryTransition(Page, PageWord.Private, PageWord.Of(PageState.Sealed)));

        Assert.Equal(PageState.Sealed, words.Read(Page).State);
        Assert.Equal((0ul, 0ul), (memory[0], memory[2]));
    }

    [Fact]
    public void TransitionFromAnOutdatedWordLosesAndChangesNothing()
    {
        var memory = stackalloc ulong[3];
        var words = new PageWords(memory, 3);
        memory[1] = PageWord.Pinned(1).Bits;

        Assert.False(words.TryTransition(Page, PageWord.Private, PageWord.Of(PageState.Sealed)));

        Assert.Equal(PageWord.Pinned(1), words.Read(Page));
    }

    [Fact]
    public void IllegalTransitionThrowsBeforeItIsTried()
    {
        foreach (var from in Enum.GetValues<PageState>())
        {
            foreach (var to in Enum.GetValues<PageState>())
            {
                var isPinCount = from == PageState.Private && to == PageState.Private;
                if (isPinCount || PageStates.IsLegal(from, to))
                {
                    continue;
                }

                var word = WordOf(from).Bits;
                var words = new PageWords(&word, 1);
                Assert.Throws<InvalidOperationException>(() => words.TryTransition(default, WordOf(from), WordOf(to)));
                Assert.Equal(WordOf(from).Bits, word);
            }
        }
    }

    [Fact]
    public void PrivatePageCountsItsPins()
    {
        ulong word = 0;
        var words = new PageWords(&word, 1);
        Assert.True(words.TryTransition(default, PageWord.Private, PageWord.Pinned(1)));
        Assert.Equal(1, words.Read(default).Pins);
    }

    [Fact]
    public void ConcurrentTransitionsLoseNone()
    {
        const int Each = 1000;
        ulong word = 0;
        var words = new PageWords(&word, 1);

        Parallel.For(0, 4, _ =>
        {
            for (var done = 0; done < Each;)
            {
                var seen = words.Read(default);
                done += words.TryTransition(default, seen, PageWord.Pinned(seen.Pins + 1)) ? 1 : 0;
            }
        });

        Assert.Equal(4 * Each, words.Read(default).Pins);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public void PageOutsideTheRegionThrows(long page)
    {
        var memory = stackalloc ulong[3];
        var words = new PageWords(memory, 3);
        Assert.Throws<ArgumentOutOfRangeException>(() => words.Read(new PageNumber(page)));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => words.TryTransition(new PageNumber(page), PageWord.Private, PageWord.Of(PageState.Sealed)));
    }

    private static PageWord WordOf(PageState state) =>
        PageStates.NamesFrame(state) ? PageWord.Of(state, new FrameNumber(3)) : PageWord.Of(state);
}
