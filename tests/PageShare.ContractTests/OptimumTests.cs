using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests;

/// <summary>What is saved, against what exact counting of whole pages says could be.</summary>
public sealed class OptimumTests : EngineTest
{
    private static readonly int Pages = Wine.Else(2500, here: 800);

    /// <summary>Pairs of raw memory images in the folder that PAGESHARE_IMAGES names; none without it.</summary>
    public static TheoryData<string, string, FaultMode> ImagePairs()
    {
        var data = new TheoryData<string, string, FaultMode>();
        var images = Folder is null ? [] : Directory.GetFiles(Folder, "*.ram").Order().ToArray();
        foreach (var left in images)
        {
            foreach (var right in images.Where(right => string.CompareOrdinal(left, right) < 0))
            {
                data.Add(Path.GetFileName(left), Path.GetFileName(right), FaultMode.Signal);
                data.Add(Path.GetFileName(left), Path.GetFileName(right), FaultMode.Kernel);
            }
        }

        if (data.Count == 0)
        {
            data.Add("", "", FaultMode.Signal); // shows that the test was skipped
        }

        return data;
    }

    private static string? Folder => Environment.GetEnvironmentVariable("PAGESHARE_IMAGES");

    [Theory, EverySetup]
    public void GeneratedImagesAreSharedToTheLastPage(FaultMode mode, bool tracking)
    {
        var random = Seeds.Create();
        var engine = Start(mode, tracking);
        for (var guest = 0; guest < 3; guest++)
        {
            var number = guest;
            engine.AddGuest($"guest-{guest}", Pages, _ => Draw(random, number));
        }

        Assert.Equal(3 * Pages, MemoryObjects.AllPages);
        Assert.InRange(engine.OptimumPages, Pages, 2 * Pages); // a mix, not one extreme
        SavesTheOptimum(engine);

        // And again after much of it has changed.
        foreach (var guest in engine.Guests)
        {
            for (var i = 0; i < Pages / 2; i++)
            {
                guest.Write(random.Next(Pages), Draw(random, 7));
            }
        }

        SavesTheOptimum(engine);
    }

    [Theory]
    [MemberData(nameof(ImagePairs))]
    public void ImagesAreSharedToNinetySevenPercentOfTheOptimum(string left, string right, FaultMode mode)
    {
        Assert.SkipWhen(Folder is null, "needs PAGESHARE_IMAGES: a folder with raw memory images, *.ram.");
        Assert.SkipWhen(left.Length == 0, $"needs at least two *.ram files in {Folder}.");
        var images = new[] { left, right }
            .Select(static name => File.ReadAllBytes(Path.Combine(Folder!, name)))
            .ToArray();
        var engine = Start(mode);
        var optimum = new DistinctPages();
        foreach (var (name, image) in new[] { left, right }.Zip(images))
        {
            var length = image.Length / PageContent.Bytes * PageContent.Bytes;
            optimum.AddAll(image.AsMemory(0, length));
            var guest = engine.Engine.CreateGuest(name, length);
            image.AsSpan(0, length).CopyTo(guest.AsSpan());
        }

        engine.Converge();

        var now = engine.Totals;
        var saved = optimum.Pages - MemoryObjects.AllPages;
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{saved} of {optimum.Saveable} pages saved, {now.MappingsUsed} of {now.MappingsLimit} mappings used.");
        Assert.Equal(optimum.Pages, now.PagesPopulated);
        Assert.Equal(saved * PageContent.Bytes, now.SavedBytes);

        // Busy guests can need more mappings than there are; then all of them should be in use.
        Assert.True(
            saved >= optimum.Saveable * 0.97 || now.MappingsUsed >= now.MappingsLimit * 0.85,
            $"{saved} of {optimum.Saveable} pages saved, {now.MappingsUsed} of {now.MappingsLimit} mappings used.");
        foreach (var (guest, image) in engine.Engine.Guests.Zip(images))
        {
            Assert.True(
                guest.AsSpan().SequenceEqual(image.AsSpan(0, (int)guest.Length)), $"{guest.Name} is not what it was.");
        }
    }

    // Zero pages, fill patterns in stretches of chance, duplicates inside a guest and across, and pages of a guest's
    // own.
    private static PageContent Draw(Random random, int guest) => random.Next(10) switch
    {
        0 or 1 => PageContent.Zero,
        2 => PageContent.Of((char)random.Next(1, 5)),
        3 or 4 => PageContent.Unique(1 + random.Next(500)),
        5 => PageContent.Unique((guest * 1000) + 1000 + random.Next(100)),
        _ => PageContent.Unique(random.NextInt64(1L << 20, 1L << 40)),
    };

    private static void SavesTheOptimum(TestEngine engine)
    {
        engine.Converge();
        var optimum = engine.OptimumPages;
        Assert.Equal(optimum, (3 * Pages) - MemoryObjects.AllPages);
        Assert.Equal(optimum * PageContent.Bytes, engine.Totals.SavedBytes);
        engine.VerifyAll();
        engine.Converge(); // the zero pages that were read
        Assert.Equal(optimum * PageContent.Bytes, engine.Totals.SavedBytes);
    }
}
