namespace PageShare.TestKit;

/// <summary>How a child process ended, and what it said.</summary>
/// <param name="Command">What it was.</param>
/// <param name="ExitCode">Its own, or 128 and a signal's number.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
public sealed record ProbeResult(string Command, int ExitCode, string Output, string Error)
{
    private const string FramePrefix = "   at ";

    /// <summary>
    /// What the runtime says of a crash, without what differs from run to run: the lines before the stack, and its
    /// first frame.
    /// </summary>
    public string Crash
    {
        get
        {
            string[] lines = Error.Split('\n');
            var message = lines.TakeWhile(static line => !line.StartsWith(FramePrefix, StringComparison.Ordinal))
                .Where(static line => !line.StartsWith("Repeated ", StringComparison.Ordinal));
            var frame = lines.FirstOrDefault(static line => line.StartsWith(FramePrefix, StringComparison.Ordinal));
            return string.Join('\n', [.. message, frame]);
        }
    }

    /// <summary>Fails with all that was said unless it ended so.</summary>
    public ProbeResult Expect(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"{Command}: exit code {ExitCode}, not {exitCode}.\n{Output}\n{Error}");
        return this;
    }

    /// <summary>Fails with all that was said unless it ended well and printed this.</summary>
    public ProbeResult ExpectDone(string text = "")
    {
        Expect(0);
        Assert.Contains(text, Output, StringComparison.Ordinal);
        return this;
    }
}
