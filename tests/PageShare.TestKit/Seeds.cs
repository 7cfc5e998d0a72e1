using System.Globalization;

namespace PageShare.TestKit;

/// <summary>Random numbers for tests: a fixed seed unless PAGESHARE_SEED gives another, and always printed.</summary>
public static class Seeds
{
    private const int DefaultSeed = 20_251_121;

    /// <summary>The seed of this run.</summary>
    public static int Seed { get; } = int.TryParse(
        Environment.GetEnvironmentVariable("PAGESHARE_SEED"),
        NumberStyles.Integer,
        CultureInfo.InvariantCulture,
        out var given)
        ? given
        : DefaultSeed;

    /// <summary>Random numbers that the seed determines; prints it with the test's output.</summary>
    public static Random Create()
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"PAGESHARE_SEED={Seed}");
        return new Random(Seed);
    }
}
