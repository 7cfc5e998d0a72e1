using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using PageShare.Host;
using PageShare.IsolationTests.Hosting;
using PageShare.Protocol.Messages;
using PageShare.TestKit;
using GuestProcess = PageShare.IsolationTests.Hosting.GuestProcess;

namespace PageShare.IsolationTests.Cli;

/// <summary><c>pageshare scan</c> and <c>record</c> on the guests of a running host.</summary>
public sealed class ScanHostTests : IDisposable
{
    private const int PageBytes = 4096;
    private const int Pages = 600;
    private static readonly string Bytes = ((Pages + 100) * PageBytes).ToString(CultureInfo.InvariantCulture);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void BeforeAnythingIsSharedTheCountIsThatOfSortingWhatGuestsWrote()
    {
        using HostProcess host = HostProcess.Start(_folder);
        using var guests = new WrittenGuests(host, scanned: false);
        (long pages, long zero, long distinct) = guests.Sorted();
        long memory = host.AllocatedPages;

        JsonElement json = PageShareCommand.Run("scan", $"host:{host.Socket}", "--json").Expect(0).Json;

        JsonElement total = json.GetProperty("total");
        Assert.Equal(pages, Number(total, "pages"));
        Assert.Equal(zero, Number(total, "zeroPages"));
        Assert.Equal(distinct, Number(total, "distinctPages"));
        Assert.Equal(pages - distinct, Number(total, "savedPages"));
        Assert.Equal(0, Number(total, "alreadySharedPages"));
        Assert.Equal(
            [$"host:{host.Socket}#a", $"host:{host.Socket}#b"],
            json.GetProperty("targets").EnumerateArray().Select(target => target.GetProperty("name").GetString()));
        Assert.Equal(memory, host.AllocatedPages);
    }

    [Fact]
    public void WhatIsSharedCountsOnceAndReadingTakesNoMemoryAndChangesNothing()
    {
        using HostProcess host = HostProcess.Start(_folder);
        using var guests = new WrittenGuests(host, scanned: true);
        (long pages, _, long distinct) = guests.Sorted();
        long memory = host.AllocatedPages;
        JsonElement[] before = Counters(host);

        JsonElement json = PageShareCommand.Run("scan", $"host:{host.Socket}", "--json").Expect(0).Json;

        JsonElement total = json.GetProperty("total");
        Assert.Equal(distinct, Number(total, "distinctPages"));
        Assert.Equal(memory, Number(total, "pages"));
        Assert.Equal(pages, Number(total, "pages") + Number(total, "alreadySharedPages"));
        Assert.Equal(distinct, memory);
        Assert.Equal(memory, host.AllocatedPages);
        Assert.Equal(before.Select(Text), Counters(host).Select(Text));
        guests.Check();
    }

    [Fact]
    public void OneGuestCanBeNamed()
    {
        using HostProcess host = HostProcess.Start(_folder);
        using var guests = new WrittenGuests(host, scanned: false);

        JsonElement json = PageShareCommand.Run("scan", $"host:{host.Socket}#b", "--json").Expect(0).Json;

        Assert.Equal(1, json.GetProperty("targets").GetArrayLength());
        Assert.Equal(Pages, Number(json.GetProperty("total"), "pages"));
    }

    [Fact]
    public void ARecordingHasThePagesThatAreSharedAlreadyAndWhatChanged()
    {
        using HostProcess host = HostProcess.Start(_folder);
        using var guests = new WrittenGuests(host, scanned: true);
        (long pages, _, long distinct) = guests.Sorted();
        string output = Path.Combine(_folder.Path, "out.psrec");

        JsonElement json = PageShareCommand.Run(
            "record", "--interval", "50ms", "--duration", "100ms", "--out", output, "--json", $"host:{host.Socket}")
            .Expect(0).Json;

        Assert.All(json.GetProperty("moments").EnumerateArray(), moment => Assert.Equal(pages, Number(moment, "pages")));
        Assert.Equal(distinct, Number(json, "distinctPages"));
    }

    [Fact]
    public void EachPageIsCountedOrSaidToBeLeftOutWhenTheKernelCopiesWhatWasShared()
    {
        using HostProcess host = HostProcess.Start(_folder, "engine.faultMode=kernel");
        using var guests = new WrittenGuests(host, scanned: true);
        guests.B.Do("fill b 20 30 99");

        JsonElement target = PageShareCommand.Run("scan", $"host:{host.Socket}#b", "--json").Expect(0).Json
            .GetProperty("targets")[0];

        // Copies are brought home by the next pass, which may have been before.
        string? note = target.GetProperty("notes").EnumerateArray().Select(Text)
            .SingleOrDefault(text => text.Contains("pages were not read", StringComparison.Ordinal));
        int leftOut = note is null ? 0 : int.Parse(note.Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.InRange(leftOut, 0, 30);
        Assert.Equal(Pages - leftOut, Number(target, "pages") + Number(target, "alreadySharedPages"));
    }

    [Fact]
    public void HostsThatCanNotBeReadAreNamedAndTheOthersReported()
    {
        string nobody = $"host:{_folder.Path}/nobody.sock";
        using HostProcess host = HostProcess.Start(_folder);
        string image = _folder.Write("good.ram", MemoryImages.Make(20, seed: 1));

        CommandResult result = PageShareCommand.Run(
            "scan", nobody, $"host:{host.Socket}", $"host:{host.Socket}#gone", image, "--json").Expect(1);

        Assert.Contains($"pageshare: {nobody}: can't be reached: no host", result.Error, StringComparison.Ordinal);
        Assert.Contains($"pageshare: host:{host.Socket}: has no guests", result.Error, StringComparison.Ordinal);
        Assert.Contains($"host:{host.Socket}#gone: is no guest of that host", result.Error, StringComparison.Ordinal);
        Assert.Equal(20, Number(result.Json.GetProperty("total"), "pages"));
    }

    [Fact]
    public void AGuestThatWasOpenedIsReadToItsEndThoughTheHostEnds()
    {
        using HostProcess host = HostProcess.Start(_folder);
        using var guests = new WrittenGuests(host, scanned: true);
        using StatusClient client = StatusClient.Connect(host.Socket);
        using HostedMemory memory = client.GetMemory("b");
        host.Kill();

        for (int page = 0; page < Pages; page++)
        {
            byte[] bytes = new byte[PageBytes];
            Assert.Equal(0UL, memory.Read(page, bytes));
            Assert.True(bytes.AsSpan().SequenceEqual(guests.PageOfB(page)), $"page {page}");
        }

        CommandResult result = PageShareCommand.Run("scan", $"host:{host.Socket}#b", "--json").Expect(1);
        Assert.Contains("no host listens there", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void NothingIsTakenForAPageThatItIsNotWhileItIsMergedAndWritten()
    {
        using HostProcess host = HostProcess.Start(_folder);
        using var guests = new WrittenGuests(host, scanned: true);
        using StatusClient client = StatusClient.Connect(host.Socket);
        client.Control(ControlAction.Resume, null);
        using HostedMemory memory = client.GetMemory("b");
        Exception? failure = null;
        long read = 0;
        bool stop = false;
        var reader = new Thread(() =>
        {
            try
            {
                while (!Volatile.Read(ref stop))
                {
                    read += ReadAll(memory);
                }
            }
            catch (Exception failed)
            {
                failure = failed;
            }
        });
        reader.Start();
        try
        {
            for (int seed = 100; seed < 103; seed++)
            {
                long merges = host.Status().Engine.Totals.Merges;
                guests.A.Do($"fill a 0 {Pages} {seed}");
                guests.B.Do($"fill b 0 {Pages} {seed}");
                Until.True(() => host.Status().Engine.Totals.Merges >= merges + Pages, "they are merged");
            }
        }
        finally
        {
            Volatile.Write(ref stop, true);
            reader.Join();
        }

        Assert.True(failure is null, $"{failure}");
        Assert.True(read > Pages, "hardly a page could be read");
    }

    /// <summary>Reads all pages once; returns how many could be.</summary>
    private static long ReadAll(HostedMemory memory)
    {
        byte[] bytes = new byte[HostedMemory.MostPages * PageBytes];
        long read = 0;
        for (int first = 0; first < Pages - HostedMemory.MostPages; first += HostedMemory.MostPages)
        {
            ulong gone = memory.Read(first, bytes);
            for (int page = 0; page < HostedMemory.MostPages; page++)
            {
                if ((gone >> page & 1) == 0)
                {
                    AssertIsOfPage(bytes.AsSpan(page * PageBytes, PageBytes), first + page);
                    read++;
                }
            }
        }

        return read;
    }

    /// <summary>Each number in a page tells which page it is; half of them may be of the seed before.</summary>
    private static void AssertIsOfPage(ReadOnlySpan<byte> bytes, int page)
    {
        foreach (long number in MemoryMarshal.Cast<byte, long>(bytes))
        {
            int at = (int)(number & uint.MaxValue) - 1;
            bool isZero = number == 0 && WrittenGuests.IsZero(page);
            Assert.True(at == page || isZero, $"page {page} has {number:x}, as if it were page {at}");
        }
    }

    private static JsonElement[] Counters(HostProcess host)
    {
        JsonElement totals = JsonSerializer.SerializeToElement(host.Status().Engine.Totals);
        return
        [
            .. ((string[])["PagesPopulated", "ZeroPages", "PagesShared", "PagesSharing", "ResidentBytes", "CowFaults"])
                .Select(name => totals.GetProperty(name)),
        ];
    }

    private static long Number(JsonElement element, string name) => element.GetProperty(name).GetInt64();

    private static string Text(JsonElement element) => element.ToString();

    /// <summary>
    /// Two guests with pages of many kinds, and what they wrote: the same by all rules, found without any of the
    /// engine's.
    /// </summary>
    private sealed class WrittenGuests : IDisposable
    {
        private const int FirstZero = 500;
        private const int ZeroPages = 40;

        public WrittenGuests(HostProcess host, bool scanned)
        {
            A = GuestProcess.Start(host);
            B = GuestProcess.Start(host);
            A.Do($"allocate a {Bytes}");
            B.Do($"allocate b {Bytes}");
            using StatusClient client = StatusClient.Connect(host.Socket);
            if (!scanned)
            {
                client.Control(ControlAction.Pause, null);
            }

            // In common: the first 400 and the zeroes; of b's own: 400 to 450; the rest is equal by parts.
            foreach ((GuestProcess guest, string name, int own) in new[] { (A, "a", 7), (B, "b", 8) })
            {
                guest.Do($"fill {name} 0 400 7");
                guest.Do($"fill {name} 400 50 {own}");
                guest.Do($"fill {name} 450 150 9");
                guest.Do($"zero {name} {FirstZero} {ZeroPages} 0");
            }

            if (scanned)
            {
                // Zero pages are freed, and of each other content one is left.
                long distinct = Sorted().Distinct;
                Until.True(() => host.AllocatedPages == distinct, "all is shared");
                client.Control(ControlAction.Pause, null);
            }
        }

        public GuestProcess A { get; }

        public GuestProcess B { get; }

        public static bool IsZero(int page) => page is >= FirstZero and < FirstZero + ZeroPages;

        public byte[] PageOfB(int page) => PageOf(page, 8);

        /// <summary>By sorting all pages, every byte of them.</summary>
        public (long Pages, long Zero, long Distinct) Sorted()
        {
            byte[][] pages =
            [
                .. Enumerable.Range(0, Pages).Select(page => PageOf(page, 7)),
                .. Enumerable.Range(0, Pages).Select(page => PageOf(page, 8)),
            ];
            Array.Sort(pages, (left, right) => left.AsSpan().SequenceCompareTo(right));
            long zero = pages.LongCount(page => !page.AsSpan().ContainsAnyExcept((byte)0));
            long distinct = pages.Where((page, i) => i == 0 || !page.AsSpan().SequenceEqual(pages[i - 1])).LongCount();
            return (pages.Length, zero, distinct - 1);
        }

        /// <summary>Nothing of it has changed.</summary>
        public void Check()
        {
            foreach ((GuestProcess guest, string name, int own) in new[] { (A, "a", 7), (B, "b", 8) })
            {
                guest.Do($"check {name} 0 400 7");
                guest.Do($"check {name} 400 50 {own}");
                guest.Do($"check {name} 450 {FirstZero - 450} 9");
                guest.Do($"check {name} {FirstZero + ZeroPages} {Pages - FirstZero - ZeroPages} 9");
            }
        }

        public void Dispose()
        {
            A.Dispose();
            B.Dispose();
        }

        private static byte[] PageOf(int page, int own)
        {
            byte[] bytes = new byte[PageBytes];
            int seed = page < 400 ? 7 : page < 450 ? own : 9;
            if (!IsZero(page))
            {
                MemoryMarshal.Cast<byte, long>(bytes.AsSpan()).Fill(((long)seed << 32) + page + 1);
            }

            return bytes;
        }
    }
}
