using System.Globalization;
using PageShare.Platform;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Attached;

/// <summary>The example program: a table in memory that a host shares, in a process of its own.</summary>
public sealed class ExampleTests : AttachedTest
{
    [Fact]
    public void TheTableAnswersAsATableDoes()
    {
        using var host = StartHost();
        using var example = new ExampleProcess("--socket", SocketPath, "--name", "table");
        Assert.Equal("(none)", example.Ask("get a"));
        Assert.Equal("added", example.Ask("set a first value"));
        Assert.Equal("first value", example.Ask("get a"));
        Assert.Equal("replaced", example.Ask("set a 2"));
        Assert.Equal("2", example.Ask("get a"));
        Assert.Equal("verified 1 entries", example.Ask("verify"));
        Assert.Equal("deleted", example.Ask("del a"));
        Assert.Equal("(none)", example.Ask("del a"));
        Assert.Equal("verified 0 entries", example.Ask("verify"));
        Assert.StartsWith("? set KEY", example.Ask("what"), StringComparison.Ordinal);
        Assert.Equal("filled 3000", example.Ask("fill 3000")); // rehashes, and grows more than once
        Assert.Equal("filled 2000", example.Ask("fill 2000"));
        Assert.Equal("verified 3000 entries", example.Ask("verify"));
        Assert.Contains("entries 3000, data", example.Ask("stat"), StringComparison.Ordinal);
        Assert.Equal((0, ""), example.End());
        Assert.Equal(0, host.GuestCount);
    }

    [Fact]
    public void TwoTablesThatAreFilledAlikeHaveTheSamePages()
    {
        using var host = StartHost();
        using var one = new ExampleProcess("--socket", SocketPath, "--name", "one");
        using var two = new ExampleProcess("--socket", SocketPath, "--name", "two");
        foreach (var example in new[] { one, two })
        {
            Assert.Equal("filled 500", example.Ask("fill 500"));
        }

        // Frames of the first one's pages fit the second one's: byte for byte, or the agent would refuse.
        var pages = host["one"].Pages;
        Assert.Equal(pages, host["two"].Pages);
        var merged = 0;
        for (var page = 0; page < 200; page++)
        {
            var frame = host["one"].CopyToStore(page);
            merged += host["two"].Merge(page, frame) == MergeResult.Done
                && host["one"].Merge(page, frame) == MergeResult.Done ? 1 : 0;
        }

        Assert.True(merged > 150, string.Create(CultureInfo.InvariantCulture, $"{merged} of 200"));
        Assert.Equal("verified 500 entries", one.Ask("verify"));
        Assert.Equal("added", two.Ask("set other value")); // breaks what it touches
        Assert.Equal("verified 501 entries", two.Ask("verify"));
        Assert.Equal("verified 500 entries", one.Ask("verify"));
    }

    [Fact]
    public void TheTableOutlivesItsHost()
    {
        var former = StartHost();
        using var example = new ExampleProcess("--socket", SocketPath, "--name", "table");
        Assert.Equal("filled 300", example.Ask("fill 300"));
        for (var page = 10; page < 60; page++)
        {
            Assert.Equal(MergeResult.Done, former["table"].Merge(page, former["table"].CopyToStore(page)));
        }

        former.Dispose();
        Until.True(
            () => example.Ask("stat").EndsWith("no host now", StringComparison.Ordinal), "the example has lost its host");
        Assert.Equal("filled 200", example.Ask("fill 200"));
        Assert.Equal("verified 300 entries", example.Ask("verify"));
        using var host = StartHost();
        Until.True(() => host.GuestCount == 1 && host["table"].IsAttached, "the new host has it");
        Assert.Equal("verified 300 entries", example.Ask("verify"));
        Assert.Equal((0, ""), example.End());
        Assert.Equal(0, host.GuestCount);
    }

    [Fact]
    public void WithoutAHostItSaysSo()
    {
        using var example = new ExampleProcess("--socket", SocketPath);
        var (exitCode, error) = example.End();
        Assert.Equal(1, exitCode);
        Assert.Contains("No host can be reached", error, StringComparison.Ordinal);
        using var without = new ExampleProcess();
        Assert.Equal(2, without.End().ExitCode);
    }
}
