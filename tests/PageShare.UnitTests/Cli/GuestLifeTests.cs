using PageShare.Cli;
using PageShare.Cli.Run;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli;

/// <summary>Loading, working and verifying on real guests. Nothing scans here: the record must agree by
/// itself.</summary>
public sealed class GuestLifeTests : IDisposable
{
    private const int PageBytes = 4096;

    private readonly TemporaryFolder _folder = new();
    private readonly PageShareEngine _engine = PageShareEngine.Start(new EngineOptions { BackgroundScanning = false });

    public void Dispose()
    {
        _engine.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void LoadedGuestIsWhatItsRecordSays()
    {
        (Guest guest, GuestRecord record, DuplicateCensus census) = Load(Plan(7));

        Assert.True(Verification.Verify(guest, record).Verified);
        Assert.Equal(record.Pages, census.Counts.Pages);
    }

    [Fact]
    public void EveryPageIsWrittenZeroPagesToo()
    {
        (Guest guest, _, _) = Load(Plan(7));

        Assert.Equal(guest.Length, guest.Snapshot().Counters.ResidentBytes);
    }

    [Fact]
    public void GuestsWithTheSameFilesHaveDuplicates()
    {
        var census = new DuplicateCensus();
        Load(Plan(7), census);
        long alone = census.Counts.DuplicatePages;
        Load(Plan(8), census);

        Assert.True(census.Counts.DuplicatePages >= alone + Files().Sum(file => file.Pages));
    }

    [Fact]
    public void OneWrongBitIsFoundAndNamed()
    {
        (Guest guest, GuestRecord record, _) = Load(Plan(7));
        guest.AsSpan((3 * PageBytes) + 123, 1)[0] ^= 0x10;

        GuestVerdict verdict = Verification.Verify(guest, record);

        Assert.False(verdict.Verified);
        Assert.Equal(1, verdict.WrongPages);
        string message = Assert.Single(verdict.Messages);
        Assert.Contains("page 3 ", message, StringComparison.Ordinal);
        Assert.Contains("byte 123 ", message, StringComparison.Ordinal);
    }

    [Fact]
    public void FewMessagesForManyWrongPages()
    {
        (Guest guest, GuestRecord record, _) = Load(Plan(7));
        for (long page = 0; page < record.Pages; page++)
        {
            guest.AsSpan(page * PageBytes, 1)[0] ^= 1;
        }

        GuestVerdict verdict = Verification.Verify(guest, record);

        Assert.Equal(record.Pages, verdict.WrongPages);
        Assert.InRange(verdict.Messages.Count, 1, 10);
    }

    [Fact]
    public void FileThatChangedMeanwhileIsNamedAsTheLikelyReason()
    {
        string path = _folder.Write("vm.ram", new byte[PageBytes]);
        (Guest guest, GuestRecord record, _) = Load(GuestPlan.ForImage("vm", InputFile.Note(new FileInfo(path))));
        File.WriteAllBytes(path, [.. Enumerable.Repeat((byte)1, PageBytes)]);
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);

        string message = Assert.Single(Verification.Verify(guest, record).Messages);

        Assert.Contains("changed during the run", message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadingStopsWhenToldTo()
    {
        GuestPlan plan = Plan(7);
        Guest guest = _engine.CreateGuest("guest", plan.Bytes);

        Assert.Throws<OperationCanceledException>(() => new GuestLoader(new DuplicateCensus()).Load(
            guest, plan, new GuestRecord(plan, 1), new CancellationToken(canceled: true)));
    }

    [Fact]
    public void WorkingGuestStaysWhatItsRecordSays()
    {
        (Guest guest, GuestRecord record, _) = Load(Plan(7));
        using var workload = new GuestWorkload(guest, record, new WorkRates(10_000, 10_000), seed: 1, () => { });

        workload.Start();
        Assert.True(SpinWait.SpinUntil(() => workload is { PagesWritten: > 300, PagesRead: > 300 }, TimeSpan.FromMinutes(1)));
        workload.Stop();

        Assert.Null(workload.Fault);
        Assert.True(Verification.Verify(guest, record).Verified);
    }

    [Fact]
    public void WorkingGuestNoticesAByteThatItDidNotWrite()
    {
        (Guest guest, GuestRecord record, _) = Load(Plan(7));
        guest.AsSpan().Fill(0xEE);
        using var noticed = new ManualResetEventSlim();
        using var workload = new GuestWorkload(guest, record, new WorkRates(10_000, 0), seed: 1, noticed.Set);

        workload.Start();

        Assert.True(noticed.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        workload.Stop();
        Assert.Contains("0xee", workload.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void WorkloadThatNeverStartedCanBeStopped()
    {
        (Guest guest, GuestRecord record, _) = Load(Plan(7));
        using var workload = new GuestWorkload(guest, record, default, seed: 1, () => { });

        workload.Stop();

        Assert.Equal(0, workload.PagesWritten);
    }

    private (Guest Guest, GuestRecord Record, DuplicateCensus Census) Load(GuestPlan plan, DuplicateCensus? census = null)
    {
        census ??= new DuplicateCensus();
        Guest guest = _engine.CreateGuest(plan.Name, plan.Bytes);
        var record = new GuestRecord(plan, seed: 5);
        new GuestLoader(census).Load(guest, plan, record, TestContext.Current.CancellationToken);
        return (guest, record, census);
    }

    private GuestPlan Plan(ulong seed) => GuestPlan.ForFiles("guest", Files(), seed);

    private List<InputFile> Files()
    {
        var files = new List<InputFile>();
        for (int i = 1; i <= 5; i++)
        {
            byte[] content = new byte[i * 9000];
            PagePattern.Fill((ulong)i, content);
            files.Add(InputFile.Note(new FileInfo(_folder.Write($"{i}", content))));
        }

        return files;
    }
}
