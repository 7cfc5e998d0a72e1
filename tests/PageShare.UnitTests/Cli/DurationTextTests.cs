using PageShare.Cli.Run;

namespace PageShare.UnitTests.Cli;

public sealed class DurationTextTests
{
    [Theory]
    [InlineData("20s", 20_000)]
    [InlineData("20", 20_000)]
    [InlineData("1.5m", 90_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("500ms", 500)]
    public void NumberAndUnitAreUnderstood(string text, int milliseconds)
    {
        Assert.True(DurationText.TryParse(text, out TimeSpan duration));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("0s")]
    [InlineData("-1s")]
    [InlineData("1,5s")]
    [InlineData("20 s")]
    [InlineData("20sec")]
    [InlineData("1e3s")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("800h")]
    public void AnythingElseIsRefused(string text) => Assert.False(DurationText.TryParse(text, out _));
}
