using Mono.Unix.Native;
using PageShare.TestKit;
using PageShare.TestKit.Points;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests.Guests;

/// <summary>Memory that exists already becomes a guest, and is given back.</summary>
public sealed unsafe class AdoptTests : EngineTest
{
    private const int Pages = 700; // more than one merge order

    [Theory, BothModes]
    public void AdoptedMemoryKeepsItsBytesIsSharedAndIsGivenBack(FaultMode mode)
    {
        var engine = Start(mode);
        using var memory = Filled();
        engine.AddGuest("other", Pages, ContentOf);
        var guest = engine.Engine.Adopt(memory.Pointer, memory.Length, "adopted");
        Assert.Equal((nint)memory.Pointer, (nint)guest.Pointer);
        Assert.Equal(memory.Length, guest.Length);
        Assert.Equal(memory.Length, guest.MaximumLength);
        Holds(memory);

        engine.Converge();
        Assert.True(engine.Totals.PagesSharing >= Pages * 3 / 4);
        memory[7][7]++;
        Holds(memory, changed: 7);
        engine.Scan();
        engine.VerifyAll();

        guest.Dispose();
        IsOrdinary(memory);
        Holds(memory, changed: 7);
        memory[8][8]++;
        Assert.DoesNotContain("pageshare-guest:adopted", MemoryObjects.Names);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void OthersMayWriteWhileMemoryIsAdoptedScannedAndGivenBack(FaultMode mode)
    {
        var engine = Start(mode);
        using var memory = Filled();
        engine.AddGuest("other", Pages, ContentOf);
        var isOver = false;
        var counts = new int[3];
        var start = (nint)memory.Pointer;
        var writers = Enumerable.Range(0, counts.Length).Select(writer => Actor.Start($"writer {writer}", () =>
        {
            // Each counts up a byte of its own in every page, so that one that is lost shows.
            for (; !Volatile.Read(ref isOver); counts[writer]++)
            {
                for (var page = 0; page < Pages; page++)
                {
                    ((byte*)start)[(page * PageContent.Bytes) + 2000 + writer]++;
                }
            }
        })).ToList();
        for (var round = 0; round < 5; round++)
        {
            using var guest = engine.Engine.Adopt(memory.Pointer, memory.Length);
            engine.Scan();
            engine.Scan();
        }

        Volatile.Write(ref isOver, true);
        writers.ForEach(static writer => writer.Finish());
        IsOrdinary(memory);
        for (var page = 0; page < Pages; page++)
        {
            var expected = new byte[PageContent.Bytes];
            ContentOf(page).WriteTo(expected);
            for (var writer = 0; writer < counts.Length; writer++)
            {
                expected[2000 + writer] += (byte)counts[writer];
            }

            Assert.True(
                memory[page].SequenceEqual(expected), $"Page {page} holds a {PageContent.Describe(memory[page])}.");
        }

        engine.VerifyAll();
    }

    [Fact]
    public void PagesNeverTouchedStayAbsent()
    {
        var engine = Start(FaultMode.Signal);
        using var memory = new AnonymousMemory(Pages);
        memory[3][3] = 3;
        var guest = engine.Engine.Adopt(memory.Pointer, memory.Length);
        Assert.Equal(1, MemoryObjects.AllPages);
        guest.Dispose();
        Assert.Equal(3, memory[3][3]);
    }

    [Fact]
    public void RangesThatAreNoPrivateMemoryOfWholePagesAreRefused()
    {
        var engine = Start(FaultMode.Signal);
        using var memory = Filled();
        using var shared = new AnonymousMemory(4, MmapFlags.MAP_SHARED);
        using var readOnly = new AnonymousMemory(4, protection: MmapProts.PROT_READ);
        using var partly = new AnonymousMemory(4);
        Assert.Equal(0, Syscall.munmap((nint)partly.Pointer + PageContent.Bytes, PageContent.Bytes));
        var guest = engine.AddGuest("guest", 4);

        AreRefused(engine, memory.Pointer + 1, PageContent.Bytes);
        AreRefused(engine, memory.Pointer, memory.Length + (1L << 40));
        AreRefused(engine, null, PageContent.Bytes);
        AreRefused(engine, (byte*)PageContent.Bytes, PageContent.Bytes);
        AreRefused(engine, (byte*)(nint.MaxValue & ~4095), PageContent.Bytes);
        AreRefused(engine, shared.Pointer, shared.Length);
        AreRefused(engine, readOnly.Pointer, readOnly.Length);
        AreRefused(engine, partly.Pointer, partly.Length);
        AreRefused(engine, guest.AddressOf(0), guest.Guest.Length);
        foreach (var length in new[] { 0L, -4096, 100, 4097 })
        {
            var thrown = Assert.Throws<ArgumentOutOfRangeException>(
                () => { engine.Engine.Adopt(memory.Pointer, length); });
            Assert.Equal("length", thrown.ParamName);
        }

        Assert.Single(engine.Engine.Guests);
        Holds(memory);
    }

    [Theory, BothModes]
    public void MemoryIsAGuestOnce(FaultMode mode)
    {
        var engine = Start(mode);
        using var memory = Filled();
        using var guest = engine.Engine.Adopt(memory.Pointer, memory.Length);
        AreRefused(engine, memory.Pointer, memory.Length);
        AreRefused(engine, memory.Pointer + PageContent.Bytes, PageContent.Bytes);
        Holds(memory);
    }

    [Theory, BothModes]
    public void PinnedMemoryIsNotGivenBack(FaultMode mode)
    {
        var engine = Start(mode);
        using var memory = Filled();
        var guest = engine.Engine.Adopt(memory.Pointer, memory.Length);
        engine.Converge();
        using (guest.PinWritable(5 * PageContent.Bytes, 1))
        {
            Assert.Throws<InvalidOperationException>(guest.Dispose);
            Assert.Single(engine.Engine.Guests);
            Holds(memory);
            memory[6][6]++; // it is a guest as before
            memory[6][6]--;
            engine.Converge();
            Holds(memory);
        }

        guest.Dispose();
        IsOrdinary(memory);
        Holds(memory);
    }

    [Fact]
    public void AdoptedMemoryCannotGrow()
    {
        var engine = Start(FaultMode.Signal);
        using var memory = Filled();
        using var guest = engine.Engine.Adopt(memory.Pointer, memory.Length);
        Assert.Throws<InvalidOperationException>(() => guest.Grow(2 * memory.Length));
    }

    [Theory, BothModes]
    public void TheEndOfTheEngineGivesMemoryBack(FaultMode mode)
    {
        var engine = Start(mode);
        using var memory = Filled();
        engine.Engine.Adopt(memory.Pointer, memory.Length);
        engine.Converge();
        engine.Engine.Dispose();
        IsOrdinary(memory);
        Holds(memory);
    }

    [Theory]
    [InlineData(TestCall.Seal)]
    [InlineData(TestCall.CopyHome)]
    [InlineData(TestCall.MapIdentity)]
    public void MemoryThatCannotBeAdoptedIsWhatItWas(TestCall call)
    {
        var engine = Start(FaultMode.Signal);
        using var memory = Filled();
        using (Injection.Lasting(call))
        {
            var thrown = Assert.Throws<Platform.PlatformException>(
                () => { engine.Engine.Adopt(memory.Pointer, memory.Length, "refused"); });
            Assert.Equal(Injection.NoMemory, thrown.ErrorCode);
            Assert.Contains("refused", thrown.Message, StringComparison.Ordinal);
            IsOrdinary(memory);
            Holds(memory);
            Assert.Empty(engine.Engine.Guests);
            Assert.Empty(MemoryObjects.Names);
        }

        using var guest = engine.Engine.Adopt(memory.Pointer, memory.Length);
        engine.Converge();
        Holds(memory);
    }

    [Theory]
    [InlineData(TestCall.Seal)]
    [InlineData(TestCall.CopyHome)]
    [InlineData(TestCall.MapIdentity)]
    public void MemoryThatCannotBeGivenBackStaysAGuest(TestCall call)
    {
        var engine = Start(FaultMode.Signal);
        using var memory = Filled();
        var guest = engine.Engine.Adopt(memory.Pointer, memory.Length);
        engine.Converge();
        using (Injection.Lasting(call))
        {
            Assert.Throws<Platform.PlatformException>(guest.Dispose);
            Holds(memory);
        }

        Assert.Single(engine.Engine.Guests);
        engine.Converge();
        memory[1][1]++;
        memory[1][1]--;
        Holds(memory);
        guest.Dispose();
        IsOrdinary(memory);
        Holds(memory);
    }

    private static PageContent ContentOf(long page) => (page % 4) switch
    {
        0 => PageContent.Of('x'),
        1 => PageContent.Zero,
        _ => PageContent.Unique(page + 1),
    };

    private static AnonymousMemory Filled()
    {
        var memory = new AnonymousMemory(Pages);
        for (var page = 0; page < Pages; page++)
        {
            ContentOf(page).WriteTo(memory[page]);
        }

        return memory;
    }

    private static void Holds(AnonymousMemory memory, int changed = -1)
    {
        for (var page = 0; page < Pages; page++)
        {
            if (page != changed)
            {
                Assert.True(
                    ContentOf(page).IsIn(memory[page]), $"Page {page} holds a {PageContent.Describe(memory[page])}.");
            }
        }
    }

    private static void IsOrdinary(AnonymousMemory memory)
    {
        var mappings = ProcessMappings.DetailsOf(memory.Pointer, memory.Length);
        Assert.All(mappings, static mapping =>
        {
            Assert.Equal(("rw-p", 0), (mapping.Permissions, mapping.Inode));
            Assert.DoesNotContain("dc", mapping.Flags); // a forked child has it again
        });
        Assert.True((nuint)memory.Pointer >= mappings[0].Start);
        Assert.True((nuint)memory.Pointer + (nuint)memory.Length <= mappings[^1].End);
    }

    private static void AreRefused(TestEngine engine, byte* pointer, long length)
    {
        var thrown = Assert.ThrowsAny<ArgumentException>(() => { engine.Engine.Adopt(pointer, length); });
        Assert.Equal("pointer", thrown.ParamName);
    }
}
