using PageShare.Attachment;

namespace PageShare.UnitTests.Protocol;

/// <summary>How long a guest waits before it reaches for its host again.</summary>
public sealed class ReconnectPauseTests
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(700);

    [Fact]
    public void PausesDoubleUpToTheLongestLessAPartAtRandom()
    {
        var pause = new BackOff(Shortest, Longest);
        foreach (var full in new[] { 50, 100, 200, 400, 700, 700, 700 })
        {
            Assert.InRange(pause.Next().TotalMilliseconds, full / 2.0, full);
        }

        pause.Reset();
        Assert.InRange(pause.Next(), Shortest / 2, Shortest);
    }

    [Fact]
    public void OptionsOutOfRangeAreNamed()
    {
        new GuestClientOptions().Validate();
        Assert.NotEmpty(new GuestClientOptions().Program);
        foreach (var (options, name) in new[]
        {
            (new GuestClientOptions { HostUsers = null! }, nameof(GuestClientOptions.HostUsers)),
            (new GuestClientOptions { Program = " " }, nameof(GuestClientOptions.Program)),
            (new GuestClientOptions { Program = new string('x', 257) }, nameof(GuestClientOptions.Program)),
            (new GuestClientOptions { RequestTimeout = TimeSpan.Zero }, nameof(GuestClientOptions.RequestTimeout)),
            (new GuestClientOptions { ReconnectMinimumDelay = TimeSpan.Zero },
                nameof(GuestClientOptions.ReconnectMinimumDelay)),
            (new GuestClientOptions { ReconnectMaximumDelay = TimeSpan.FromMilliseconds(1) },
                nameof(GuestClientOptions.ReconnectMaximumDelay)),
        })
        {
            Assert.Equal(name, Assert.Throws<ArgumentOutOfRangeException>(options.Validate).ParamName);
        }
    }
}
