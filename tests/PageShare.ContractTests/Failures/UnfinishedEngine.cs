using PageShare.TestKit;
using PageShare.TestKit.Points;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests.Failures;

/// <summary>An engine with some of everything still to be done, so that each system call is made by the next
/// pass.</summary>
public abstract class UnfinishedEngine : EngineTest
{
    /// <summary>Pages of a guest.</summary>
    protected const int Pages = 48;

    private const int Shared = 16;

    /// <summary>The engine.</summary>
    internal TestEngine Engine { get; private set; } = null!;

    /// <summary>How often a call fails; null: as long as the test says.</summary>
    public static IReadOnlyList<int?> Times => [1, 3, null];

    /// <summary>Every call, how often it fails, and the mode.</summary>
    public static TheoryData<TestCall, int?, FaultMode> EveryCall()
    {
        var data = new TheoryData<TestCall, int?, FaultMode>();
        foreach (var call in Enum.GetValues<TestCall>())
        {
            foreach (var times in Times)
            {
                data.Add(call, times, FaultMode.Signal);
                data.Add(call, times, FaultMode.Kernel);
            }
        }

        return data;
    }

    /// <summary>Makes a call fail so many times, or until it is disposed.</summary>
    internal static Injection Fail(TestCall call, int? times) =>
        times is { } count ? Injection.Once(call, times: count) : Injection.Lasting(call);

    /// <summary>
    /// Two guests with pages that share, pairs about to, zero pages about to be freed, and in Kernel mode copies to be
    /// brought home or dropped.
    /// </summary>
    /// <param name="mode">Their fault mode.</param>
    /// <param name="breakTimeout">How long breaks wait for memory.</param>
    protected void Prepare(FaultMode mode, TimeSpan? breakTimeout = null)
    {
        var options = TestEngine.Defaults with { FaultMode = mode };
        Engine = Start(options with { BreakTimeout = breakTimeout ?? options.BreakTimeout });
        foreach (var name in new[] { "first", "second" })
        {
            Engine.AddGuest(name, Pages, page => page < Shared
                ? PageContent.Unique(page + 1)
                : PageContent.Unique((name.Length * 1000) + page));
        }

        Engine.Converge();
        foreach (var guest in Engine.Guests)
        {
            for (var page = Shared; page < 32; page++)
            {
                guest.Write(page, PageContent.Unique(page + 5000));
            }

            for (var page = 32; page < 40; page++)
            {
                guest.Write(page, PageContent.Zero);
            }
        }

        Engine.Scan(); // all of that is known now, and merged by the next pass
        Engine.Guests[0].Write(3, 100, 1);
        var before = Engine.Guests[1][5][7];
        Engine.Guests[1].Write(5, 7, (byte)~before);
        Engine.Guests[1].Write(5, 7, before);
    }

    /// <summary>Nothing fails any more: after some passes all is shared that can be, and all bytes are right.</summary>
    protected void Recovers()
    {
        Injection.EndAll();
        Engine.VerifyAll();
        Engine.Converge();
        Assert.Equal(Engine.OptimumPages, (Pages * Engine.Guests.Count) - MemoryObjects.AllPages);
        Assert.Equal(Engine.OptimumPages * PageContent.Bytes, Engine.Totals.SavedBytes);
        Engine.VerifyAll();
        Engine.Engine.UnshareAll();
        Engine.Scan();
        Assert.Equal(0, MemoryObjects.PagesOf(MemoryObjects.Stores));
        Engine.VerifyAll();
    }
}
