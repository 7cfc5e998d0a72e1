using System.Globalization;

namespace PageShare.UnitTests.Memory;

/// <summary>
/// Random numbers for model tests: a fixed seed unless PAGESHARE_SEED gives another, and always printed.
/// </summary>
internal static class SeededRandom
{
    private const int DefaultSeed = 20_251_121;

    public static Random Create()
    {
        var text = Environment.GetEnvironmentVariable("PAGESHARE_SEED");
        var seed = int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var given)
            ? given
            : DefaultSeed;
        TestContext.Current.TestOutputHelper?.WriteLine($"PAGESHARE_SEED={seed}");
        return new Random(seed);
    }
}
