using System.Text.Json;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Cli;

/// <summary>What a run saves, held against what exact counting of distinct pages gives.</summary>
public sealed class RunOnImagesTests : IDisposable
{
    private const int ImagePages = 6000;
    private const double ShareOfTheOptimum = 0.97;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("signal", "none")]
    [InlineData("kernel", "none")]
    [InlineData("signal", "process")]
    [InlineData("kernel", "process")]
    public void NearlyAllThatCanBeSavedIsSaved(string faultMode, string isolation)
    {
        byte[][] images = [MemoryImages.Make(ImagePages, seed: 1), MemoryImages.Make(ImagePages, seed: 2)];
        long best = MemoryImages.BestSavedBytes(images);
        Assert.True(best > ImagePages * MemoryImages.PageBytes / 2, "too few duplicates to prove anything");

        JsonElement json = PageShareCommand.Run(
        [
            "run", "--until-converged", "--json", "--fault-mode", faultMode, "--isolation", isolation, .. Write(images),
        ]).Expect(0).Json;

        Assert.True(json.GetProperty("verified").GetBoolean());
        Assert.True(json.GetProperty("converged").GetBoolean());
        Assert.Equal(best, json.GetProperty("loaded").GetProperty("bestSavedBytes").GetInt64());
        Assert.InRange(json.GetProperty("savedBytes").GetInt64(), (long)(best * ShareOfTheOptimum), best);
    }

    [Theory]
    [InlineData("signal")]
    [InlineData("kernel")]
    public void NearlyAllThatCanBeSavedOnRealMachinesIsSaved(string faultMode)
    {
        const string Variable = "PAGESHARE_IMAGES";
        string? folder = Environment.GetEnvironmentVariable(Variable);
        string[] files = folder is null ? [] : [.. Directory.GetFiles(folder, "*.idle0.ram").Order(StringComparer.Ordinal)];
        Assert.SkipWhen(files.Length == 0, $"{Variable} names no folder with memory images (*.idle0.ram)");
        long best = MemoryImages.BestSavedBytes(files.Select(File.ReadAllBytes));

        JsonElement json = Run(["--fault-mode", faultMode, .. Arguments(files)]).Expect(0).Json;

        Assert.InRange(json.GetProperty("savedBytes").GetInt64(), (long)(best * ShareOfTheOptimum), best);
    }

    [Fact]
    public void KernelsFigureIsOurs()
    {
        JsonElement json = Run(Write([MemoryImages.Make(ImagePages, seed: 1)])).Expect(0).Json;

        // Asked at two moments with nothing in between but the engine at rest.
        Assert.Equal(json.GetProperty("residentBytes").GetInt64(), json.GetProperty("kernelResidentBytes").GetInt64());
        Assert.Equal(
            json.GetProperty("pagesPopulated").GetInt64() * MemoryImages.PageBytes,
            json.GetProperty("residentBytes").GetInt64() + json.GetProperty("savedBytes").GetInt64());
    }

    [Fact]
    public void GuestsWithDomainsOfTheirOwnShareInsideThemselvesAlone()
    {
        byte[][] images = [MemoryImages.Make(ImagePages, seed: 1), MemoryImages.Make(ImagePages, seed: 2)];
        long best = images.Sum(image => MemoryImages.BestSavedBytes(image));

        JsonElement json = Run(["--domain-per-guest", .. Write(images)]).Expect(0).Json;

        Assert.Equal(2, json.GetProperty("guests").EnumerateArray()
            .Select(guest => guest.GetProperty("domain").GetString()).Distinct().Count());
        Assert.InRange(json.GetProperty("savedBytes").GetInt64(), (long)(best * ShareOfTheOptimum), best);
    }

    [Fact]
    public void ImageThatEndsWithinAPageIsFilledUpAndSaidSo()
    {
        byte[] image = MemoryImages.Make(100, seed: 1)[..^1000];

        CommandResult result = Run(Write([image])).Expect(0);

        Assert.Equal(100, result.Json.GetProperty("pagesTotal").GetInt64());
        Assert.Contains("filled with zeroes", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void ImagesOfOneNameAreTwoGuestsOfTwoNames()
    {
        byte[] image = MemoryImages.Make(100, seed: 1);
        string first = _folder.Write("a/vm.ram", image);
        string second = _folder.Write("b/vm.ram", image);

        JsonElement json = Run(Arguments([first, second])).Expect(0).Json;

        Assert.Equal(["vm", "vm-2"], json.GetProperty("guests").EnumerateArray()
            .Select(guest => guest.GetProperty("name").GetString()));
    }

    [Fact]
    public void ImagesWithoutDuplicatesSaveNothingAndThatIsRight()
    {
        byte[] image = new byte[50 * MemoryImages.PageBytes];
        new Random(1).NextBytes(image);

        JsonElement json = Run(Write([image])).Expect(0).Json;

        Assert.Equal(0, json.GetProperty("savedBytes").GetInt64());
        Assert.Equal(0, json.GetProperty("merges").GetInt64());
    }

    private static CommandResult Run(params string[] arguments) =>
        PageShareCommand.Run(["run", "--until-converged", "--isolation", "none", "--json", .. arguments]);

    private string[] Write(byte[][] images) =>
        Arguments(images.Select((image, number) => _folder.Write($"vm{number}.ram", image)));

    private static string[] Arguments(IEnumerable<string> files) => [.. files.SelectMany(file => (string[])["--image", file])];
}
