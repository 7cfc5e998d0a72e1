using Microsoft.Win32.SafeHandles;
using PageShare.Cli.Run;
using PageShare.Cli.Run.Isolation;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli.Isolation;

/// <summary>What a run tells a guest's process about its memory.</summary>
public sealed class PlanFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void PlanArrivesAsItWasMade()
    {
        InputFile[] files = [File("a", 9000), File("b", 4096), File("c", 123_456)];
        GuestPlan plan = GuestPlan.ForFiles("guest", files, seed: 3);

        (GuestPlan arrived, IReadOnlyList<InputFile> numbered) = Send(plan);

        Assert.Equal(plan.Pages, arrived.Pages);
        Assert.Equal(plan.Segments.Select(Describe), arrived.Segments.Select(Describe));
        Assert.Equal(files.Select(file => file.Path).Order(), numbered.Select(file => file.Path).Order());
    }

    [Fact]
    public void FilesAreOpenedByTheirNumbers()
    {
        GuestPlan plan = GuestPlan.ForFiles("guest", [File("a", 5000), File("b", 5000)], seed: 3);

        (GuestPlan arrived, IReadOnlyList<InputFile> numbered) = Send(plan);

        foreach (InputFile file in arrived.Segments.Select(segment => segment.File).OfType<InputFile>())
        {
            byte[] content = new byte[5000];
            file.Read(0, content);
            Assert.Equal(System.IO.File.ReadAllBytes(file.Path), content);
            Assert.False(file.HasChangedSince());
        }

        Assert.Equal(2, numbered.Count);
    }

    [Fact]
    public void TwoGuestsOfOneSeedHoldTheSameBytes()
    {
        GuestPlan plan = GuestPlan.ForFiles("guest", [File("a", 50_000)], seed: 3);
        (GuestPlan arrived, _) = Send(plan);
        byte[] here = new byte[plan.Bytes];
        byte[] there = new byte[plan.Bytes];

        new GuestRecord(plan, seed: 9).Expect(0, here);
        new GuestRecord(arrived, seed: 9).Expect(0, there);

        Assert.Equal(here, there);
    }

    private static (GuestPlan Arrived, IReadOnlyList<InputFile> Numbered) Send(GuestPlan plan)
    {
        using var file = new MemoryStream();
        IReadOnlyList<InputFile> numbered = PlanFile.Write(file, plan);
        file.Position = 0;
        return (PlanFile.Read(file, plan.Name, number => numbered[number].Open()), numbered);
    }

    private static (long First, long Pages, PageOrigin Origin, string? Path, long? Length) Describe(PageSegment segment) =>
        (segment.FirstPage, segment.Pages, segment.Origin, segment.File?.Path, segment.File?.Length);

    private InputFile File(string name, int length)
    {
        byte[] content = new byte[length];
        new Random(length).NextBytes(content);
        return InputFile.Note(new FileInfo(_folder.Write(name, content)));
    }
}
