using PageShare.Fault;

namespace PageShare.UnitTests.Fault;

/// <summary>Events see the faults of the whole process, so no other test may fill the rings meanwhile.</summary>
[CollectionDefinition(nameof(WholeProcess), DisableParallelization = true)]
public sealed class WholeProcess;

[Collection(nameof(WholeProcess))]
public class BreakEventsTests
{
    private const int Pages = 4096;
    private const int Plenty = 65536;

    [Fact]
    public void BreaksOfEveryThreadAreCountedAtOnce()
    {
        using var view = new KernelView(Pages);
        using var copies = new AnonymousCopies(Pages);
        using var begin = new Barrier(2);
        var older = new Thread(() =>
        {
            begin.SignalAndWait(TestContext.Current.CancellationToken);
            WritePart(view, 0);
        });
        older.Start();
        using var events = OpenOrSkip();
        begin.SignalAndWait(TestContext.Current.CancellationToken);
        var younger = new Thread(() => WritePart(view, 1));
        younger.Start();
        WritePart(view, 2);
        WritePart(view, 3);
        older.Join();
        younger.Join();

        var counted = DrainInto(events, view, copies);

        Assert.Equal(0, events.Lost);
        Assert.Equal(Pages, counted);
        Assert.Equal(Pages, copies.Count);
    }

    [Fact]
    public void ReadsAreNotCounted()
    {
        using var view = new KernelView(256);
        using var copies = new AnonymousCopies(256);
        using var events = OpenOrSkip();
        for (var page = 0; page < 256; page++)
        {
            view.Read(page);
        }

        Assert.Equal(0, DrainInto(events, view, copies));
    }

    [Fact]
    public void DrainedAddressesAscend()
    {
        using var view = new KernelView(256);
        using var events = OpenOrSkip();
        for (var page = 255; page >= 0; page--)
        {
            view.Write(page);
        }

        var addresses = new nuint[Plenty];
        var count = events.Drain(addresses);

        Assert.InRange(count, 256, Plenty - 1);
        Assert.Equal(addresses[..count].Order(), addresses[..count]);
        Assert.All(addresses[..count], address => Assert.Equal((nuint)0, address % 4096));
    }

    [Fact]
    public void DrainingNothingGivesNothing()
    {
        using var events = OpenOrSkip();

        Assert.Equal(0, events.Drain([]));
    }

    [Fact]
    public void DrainingDoesNotAllocate()
    {
        using var view = new KernelView(256);
        using var copies = new AnonymousCopies(256);
        using var events = OpenOrSkip();
        var addresses = new nuint[Plenty];
        Count(); // compiles what the second run needs
        view.Write(0);
        var before = GC.GetAllocatedBytesForCurrentThread();

        var counted = Count();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1, counted);

        unsafe int Count() => copies.CountNew(view.Start, addresses.AsSpan(0, events.Drain(addresses)));
    }

    [Fact]
    public void RingsStayInsideTheirBudget()
    {
        using var events = OpenOrSkip();

        Assert.InRange(events.Bytes, 32 * 1024, BreakEvents.MemoryBytes + (Environment.ProcessorCount * 4096L));
    }

    [Fact]
    public void DisposedEventsRefuseToDrain()
    {
        var events = OpenOrSkip();
        events.Dispose();
        events.Dispose();

        Assert.Throws<ObjectDisposedException>(() => events.Drain(new nuint[1]));
        Assert.Throws<ObjectDisposedException>(() => events.Lost);
    }

    private static BreakEvents OpenOrSkip()
    {
        var events = BreakEvents.TryOpen(out var whyNot);
        Assert.SkipWhen(events is null, $"No break events here: {whyNot}");
        Assert.Empty(whyNot);
        return events!;
    }

    private static void WritePart(KernelView view, int part)
    {
        for (var page = part * (Pages / 4); page < (part + 1) * (Pages / 4); page++)
        {
            view.Write(page);
        }
    }

    private static unsafe int DrainInto(BreakEvents events, KernelView view, AnonymousCopies copies)
    {
        var addresses = new nuint[512];
        var counted = 0;
        int count;
        do
        {
            count = events.Drain(addresses);
            counted += copies.CountNew(view.Start, addresses.AsSpan(0, count));
        }
        while (count == addresses.Length);
        return counted;
    }
}
