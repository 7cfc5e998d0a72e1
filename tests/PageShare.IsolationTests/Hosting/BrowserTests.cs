using System.Diagnostics;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Hosting;

/// <summary>The live page in a real browser.</summary>
public sealed class BrowserTests : IDisposable
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ThePageDrawsWhatTheGuestsAreAndTheirNamesAsText()
    {
        var browser = RequireChromium();
        using var host = HostProcess.Start(_folder, "http=http://127.0.0.1:0");
        using var guest = GuestProcess.Start(host);
        const string Markup = "<img\u00A0src=x\u00A0onerror=document.title='stolen'>"; // to the guest these are spaces
        guest.Do("allocate web-1 4194304");
        guest.Do($"allocate {Markup} 4194304");
        guest.Do("fill web-1 0 1024 7");
        guest.Do($"fill {Markup} 0 1024 7");
        Until.True(() => host.Status().Engine.Totals.PagesSharing == 1024, "the guests share");

        var page = Open(browser, host.Http);
        Assert.Contains("class=\"on\"", page, StringComparison.Ordinal);            // it has answered
        Assert.Contains("<title>PageShare</title>", page, StringComparison.Ordinal); // no script of a name has run
        Assert.Contains("&lt;img src=x onerror", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<img", page, StringComparison.Ordinal);

        // Areas of three kinds for both guests and their sum, and two lines.
        Assert.Equal(9, page.Split("class=\"area ").Length - 1);
        Assert.Equal(2, page.Split("class=\"line\"").Length - 1);
        Assert.Contains("All guests: private 0 B, shared 8.0 MiB", page, StringComparison.Ordinal);
        Assert.Contains(">web-1</td>", page, StringComparison.Ordinal);
        Assert.Contains(">attached</td>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutGuestsThePageSaysSo()
    {
        var browser = RequireChromium();
        using var host = HostProcess.Start(_folder, "http=http://127.0.0.1:0");
        Assert.Contains("No guests yet", Open(browser, host.Http), StringComparison.Ordinal);
    }

    private static string RequireChromium()
    {
        var found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .SelectMany(static folder => Names.Select(name => Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
        Assert.SkipWhen(found is null, "needs Chromium: apt-get install chromium");
        return found!;
    }

    /// <summary>The document as it is after some looks at the host.</summary>
    private string Open(string browser, string address)
    {
        var profile = Path.Combine(_folder.Path, "profile");
        var start = new ProcessStartInfo(browser,
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage",
            $"--user-data-dir={profile}", "--virtual-time-budget=8000", "--dump-dom", address,
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var page = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{browser} ended with {process.ExitCode}.\n{error.Result}");
        return page;
    }
}
