using PageShare.Memory;
using PageShare.Workloads.Traces;

namespace PageShare.UnitTests.Workloads;

public sealed class TraceTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void PagesHaveTheSameNumberExactlyWhenTheirBytesAreEqual(int moment)
    {
        using var trace = new SyntheticTrace(guests: 3, bytes: 1 << 20, seed: 5);
        var contents = TraceContents.Of(trace, CancellationToken.None);
        var bytesOf = new Dictionary<int, string>();
        var numberOf = new Dictionary<string, int>();
        var page = new byte[PageSize.Bytes];
        for (var guest = 0; guest < trace.Guests.Count; guest++)
        {
            for (var i = 0; i < trace.PagesOf(guest); i++)
            {
                trace.Read(guest, (Moment)moment, i, page);
                var (text, number) = (Convert.ToBase64String(page), contents[guest, (Moment)moment][i]);
                Assert.Equal(text, bytesOf.GetValueOrDefault(number, text));
                Assert.Equal(number, numberOf.GetValueOrDefault(text, number));
                Assert.Equal(!page.AsSpan().ContainsAnyExcept((byte)0), number == TraceContents.Zero);
                bytesOf[number] = text;
                numberOf[text] = number;
            }
        }
    }

    [Fact]
    public void MadeUpGuestsShareWhenIdleAndOtherThingsWhenBusy()
    {
        using var trace = new SyntheticTrace(guests: 4, bytes: 4 << 20, seed: 5);
        var contents = TraceContents.Of(trace, CancellationToken.None);

        var (idle, active) = (Count(contents, Moment.Idle), Count(contents, Moment.Active));

        Assert.InRange((double)idle.ZeroPages / idle.Pages, 0.3, 0.5);
        Assert.InRange((double)active.ZeroPages / active.Pages, 0.02, 0.2);
        Assert.InRange((double)idle.DuplicatePages / idle.Pages, 0.2, 0.4);
        Assert.InRange((double)active.DuplicatePages / active.Pages, 0.2, 0.5);
        Assert.InRange(WritePlan.Of(contents, seed: 1).Pages.Length, idle.Pages / 4, idle.Pages);
    }

    [Fact]
    public void OfAPairHalfCanBeSavedAndNothingIsZero()
    {
        using var trace = new TraceChoice(null, 4 << 20, Seed: 3) { IsPair = true }.Open();
        var contents = TraceContents.Of(trace, CancellationToken.None);

        var count = Count(contents, Moment.Idle);

        Assert.Equal((1024, 512, 0), (count.Pages, count.DuplicatePages, count.ZeroPages));
    }

    [Fact]
    public void ReadingOneByOneIsReadingAtOnce()
    {
        using var trace = new SyntheticTrace(guests: 2, bytes: 1 << 18, seed: 9);
        var all = new byte[trace.PagesOf(1) * PageSize.Bytes];
        trace.Read(1, Moment.Active, 0, all);

        var page = new byte[PageSize.Bytes];
        for (var i = 0; i < trace.PagesOf(1); i++)
        {
            trace.Read(1, Moment.Active, i, page);
            Assert.True(page.AsSpan().SequenceEqual(all.AsSpan(i * PageSize.Bytes, PageSize.Bytes)));
        }
    }

    private static SharingCount Count(TraceContents contents, Moment moment)
    {
        var count = new SharingCount(contents.Count);
        for (var guest = 0; guest < contents.Guests; guest++)
        {
            count.Add(contents[guest, moment]);
        }

        return count;
    }
}
