using PageShare.Memory;
using PageShare.PageTable;

namespace PageShare.UnitTests.PageTable;

public class PageWordTests
{
    [Fact]
    public void ZeroedMemoryIsAPrivatePageWithoutPins()
    {
        Assert.Equal(PageState.Private, default(PageWord).State);
        Assert.Equal(0, default(PageWord).Pins);
        Assert.Equal(PageWord.Private, PageWord.Pinned(0));
    }

    [Fact]
    public void FieldsLieWhereTheNativeHeaderPutsThem()
    {
        Assert.Equal(0x3000_0000_89AB_CDEFul, PageWord.Of(PageState.Shared, new FrameNumber(0x89AB_CDEF)).Bits);
        Assert.Equal(0x0FFF_0000_0000_0000ul, PageWord.Pinned(PageWord.MaximumPins).Bits);
        Assert.Equal(0x6000_0000_0000_0000ul, PageWord.Of(PageState.Zero).Bits);
        Assert.Equal(4095, PageWord.MaximumPins);
        Assert.Equal(0x4000_01FE_0000_0007ul,
            PageWord.Of(PageState.KernelShared, new FrameNumber(7), PageWord.MaximumGeneration).Bits);
    }

    [Theory]
    [InlineData(0x5000_0001_FFFF_FFFFul, (int)PageState.Breaking, 0, true, 0, 0xFFFF_FFFFu)]
    [InlineData(0x9FFF_FFFE_0000_0000ul, (int)PageState.Swapped, 4095, false, 255, 0u)]
    [InlineData(0x0001_0000_0000_0000ul, (int)PageState.Private, 1, false, 0, 0u)]
    [InlineData(0x3000_0002_0000_0000ul, (int)PageState.Shared, 0, false, 1, 0u)]
    [InlineData(0x3000_FE00_0000_0000ul, (int)PageState.Shared, 0, false, 0, 0u)]
    public void FieldsDoNotLeakIntoEachOther(
        ulong bits, int state, int pins, bool waiters, int generation, uint frame)
    {
        var word = new PageWord(bits);
        Assert.Equal((PageState)state, word.State);
        Assert.Equal(pins, word.Pins);
        Assert.Equal(waiters, word.HasWaiters);
        Assert.Equal(generation, word.Generation);
        Assert.Equal(new FrameNumber(frame), word.Frame);
    }

    [Fact]
    public void OnlyStatesThatNameAFrameTakeOne()
    {
        foreach (var state in Enum.GetValues<PageState>())
        {
            if (PageStates.NamesFrame(state))
            {
                Assert.Throws<ArgumentException>(() => PageWord.Of(state));
                Assert.Equal((state, 5u), (PageWord.Of(state, new(5)).State, PageWord.Of(state, new(5)).Frame.Value));
            }
            else
            {
                Assert.Throws<ArgumentException>(() => PageWord.Of(state, new FrameNumber(5)));
                Assert.Equal(state, PageWord.Of(state).State);
            }
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(256)]
    public void GenerationsBeyondTheFieldAreRefused(int generation) =>
        Assert.Throws<ArgumentOutOfRangeException>(
            () => PageWord.Of(PageState.Shared, new FrameNumber(1), generation));

    [Theory]
    [InlineData(-1)]
    [InlineData(4096)]
    public void PinsBeyondTheFieldAreRefused(int pins) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => PageWord.Pinned(pins));
}
