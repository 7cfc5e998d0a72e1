using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using PageShare.Host;
using PageShare.Host.Access;
using PageShare.Host.Guests;
using PageShare.Platform.Linux;
using PageShare.Protocol.Messages;
using PageShare.TestKit;

namespace PageShare.UnitTests.Host;

public sealed class GuestTableTests : IDisposable
{
    private const long Bytes = 4096;

    private readonly GuestTable _table = new(new HostLog(NullLoggerFactory.Instance));
    private readonly UserAccount _account = new(TimeProvider.System, 1000);
    private readonly List<Process> _processes = [];

    public void Dispose()
    {
        _table.Dispose();
        foreach (var process in _processes)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }

    [Fact]
    public void AGuestIsFoundByItsOwnProcessAlone()
    {
        var holder = Holder();
        var guest = Add(holder, "web", out _);
        Assert.Same(guest, _table.Find(guest.Id, holder));
        Assert.Equal(RefusalCode.NotFound, Refused(() => _table.Find(guest.Id, Holder())));
        Assert.Equal(RefusalCode.NotFound, Refused(() => _table.Find(guest.Id + 1, holder)));
        var otherUser = new FakeHolder(_processes[0], _account) { Rights = holder.Rights with { User = 7 } };
        Assert.Equal(RefusalCode.NotFound, Refused(() => _table.Find(guest.Id, otherUser)));
    }

    [Fact]
    public void ANameIsTakenUntilItsGuestIsGone()
    {
        var holder = Holder();
        var guest = Add(holder, "web", out var memory);
        Assert.Equal(RefusalCode.Invalid, Refused(() => Add(Holder(), "web", out _)));
        Assert.True(_table.Remove(guest));
        Assert.False(_table.Remove(guest));
        Assert.Equal(1, memory.Disposals);
        Add(Holder(), "web", out _);
    }

    [Fact]
    public void ANameBelongsToTheUserWhoGivesIt()
    {
        var holder = Holder();
        var other = new FakeHolder(_processes[0], _account) { Rights = holder.Rights with { User = 7 } };
        var first = Add(holder, "web", out _);
        var second = Add(other, "web", out _);
        Assert.True(_table.TryFind(first.Key, out var found));
        Assert.Same(first, found);
        Assert.True(_table.TryFind(new GuestKey(7, "web"), out found));
        Assert.Same(second, found);
        Assert.True(_table.Remove(first));
        Assert.Equal(RefusalCode.Invalid, Refused(() => Add(other, "web", out _)));
        Add(holder, "web", out _);
    }

    [Fact]
    public void AFailureToMakeMemoryLeavesNothingTaken()
    {
        var holder = Holder();
        Assert.Throws<InvalidOperationException>(() => _table.Add(
            holder, "web", Bytes, null, static () => throw new InvalidOperationException()));
        Assert.True(_account.IsIdle);
        Add(holder, "web", out _);
    }

    [Fact]
    public void TheDeathOfAProcessFreesItsGuestsAndNoOthers()
    {
        var dying = Holder();
        var first = Add(dying, "a", out var a);
        Add(dying, "b", out var b);
        Add(Holder(), "c", out var c);
        _processes[0].Kill();
        Until.True(() => _table.All.Count == 1, "the guests of the dead process are gone");
        Assert.Equal((1, 1, 0), (a.Disposals, b.Disposals, c.Disposals));
        Assert.False(_table.TryFind(new GuestKey(dying.Rights.User, "a"), out _));
        Assert.Equal(RefusalCode.NotFound, Refused(() => _table.Find(first.Id, dying)));
    }

    [Fact]
    public void AFailureToFreeOneGuestKeepsNoOtherFromBeingFreed()
    {
        var dying = Holder();
        Add(dying, "a", static () => throw new InvalidOperationException());
        Add(dying, "b", out var b);
        _processes[0].Kill();
        Until.True(() => _table.All.Count == 0, "all guests of the dead process are out of the table");
        Assert.Equal(1, b.Disposals);
        Assert.True(_account.IsIdle);
    }

    [Fact]
    public void ASuccessorCanHaveTheNameOfAProcessThatHasJustDied()
    {
        Add(Holder(), "web", out _);
        for (var round = 1; round < 20; round++)
        {
            _processes[^1].Kill();
            _processes[^1].WaitForExit();
            Add(Holder(), "web", out _);
        }
    }

    [Fact]
    public void ALostConnectionKeepsTheGuestUntilTheSameProcessComesBack()
    {
        var first = Holder();
        var guest = Add(first, "web", out var memory);
        guest.Attach();
        _table.Lose(first);
        Assert.Equal("lost", guest.State);
        Assert.Equal(0, memory.Disposals);
        Assert.Equal(RefusalCode.Invalid, Refused(guest.Attach));

        var second = Again();
        _table.Find(guest.Id, second).Resume(second);
        guest.Attach();
        _table.Lose(first); // late: it does not hold the guest any more
        Assert.Equal("attached", guest.State);
        Assert.Equal(["attach", "detach", "attach"], memory.Calls);
    }

    [Fact]
    public void AGuestThatAnotherConnectionHoldsCannotBeResumed()
    {
        var first = Holder();
        var guest = Add(first, "web", out _);
        Assert.Equal(RefusalCode.Invalid, Refused(() => guest.Resume(Again())));
        Assert.Equal("attached", guest.State);
    }

    [Fact]
    public void AResumeWaitsForAFormerConnectionThatHasClosedAndWasNotYetNoticed()
    {
        var first = Holder();
        var guest = Add(first, "web", out _);
        first.HasHungUp = true;
        var second = Again();
        var resume = new Thread(() => guest.Resume(second));
        resume.Start();
        Until.True(() => resume.ThreadState.HasFlag(System.Threading.ThreadState.WaitSleepJoin), "the resume waits");
        _table.Lose(first);
        resume.Join();
        Assert.Equal("attached", guest.State);
    }

    [Fact]
    public void TheSameMemoryCannotBeResumedTwice()
    {
        using var backing = new FakeMemory(1);
        var identity = FileIdentity.Of(backing.Backing);
        var holder = Holder();
        _table.Add(holder, "a", Bytes, identity, () => new FakeMemory(1));
        Assert.Equal(
            RefusalCode.Invalid, Refused(() => _table.Add(holder, "b", Bytes, identity, () => new FakeMemory(1))));
    }

    [Fact]
    public void AGuestsOwnMemoryOfThisHostCannotBeResumedAsAnother()
    {
        var holder = Holder();
        Add(holder, "a", out var memory);
        Assert.Equal(
            RefusalCode.Invalid,
            Refused(() => _table.Add(holder, "b", Bytes, FileIdentity.Of(memory.Backing), () => new FakeMemory(1))));
    }

    [Fact]
    public void AGuestGrowsWithinItsMaximumOnly()
    {
        var guest = Add(Holder(), "web", out var memory);
        guest.Grow(memory.MaximumPages);
        Assert.Equal(RefusalCode.Invalid, Refused(() => guest.Grow(memory.MaximumPages + 1)));
        Assert.Equal(RefusalCode.Invalid, Refused(() => guest.Grow(1)));
        Assert.Equal(RefusalCode.Invalid, Refused(() => guest.Grow(-1)));
        Assert.Equal(["grow"], memory.Calls);
    }

    [Fact]
    public void TheConnectionOfAGuestThatIsNotTrustedAnyMoreIsClosed()
    {
        var honest = Holder();
        Add(honest, "a", out _);
        var liar = Holder();
        Add(liar, "b", out var memory);
        using var checkup = new GuestCheckup(_table, new HostLog(NullLoggerFactory.Instance));
        memory.State = IsolatedState.Distrusted;
        Until.True(() => liar.IsClosed, "the connection is closed");
        Assert.False(honest.IsClosed);
    }

    [Fact]
    public void AGuestOfAProcessThatHasEndedIsNotMade()
    {
        var holder = Holder();
        _processes[0].Kill();
        _processes[0].WaitForExit();
        var memory = new FakeMemory(1);
        Assert.Equal(RefusalCode.OutOfResources, Refused(() => _table.Add(holder, "web", Bytes, null, () => memory)));
        Assert.Equal(1, memory.Disposals);
        Assert.True(_account.IsIdle);
    }

    private static RefusalCode Refused(Action action) => Assert.Throws<RequestRefusedException>(action).Refusal.Code;

    /// <summary>A connection of a new process.</summary>
    private FakeHolder Holder()
    {
        _processes.Add(Process.Start("sleep", ["1000"]));
        return Again();
    }

    /// <summary>Another connection of the process made last.</summary>
    private FakeHolder Again() => new(_processes[^1], _account);

    private HostedGuest Add(FakeHolder holder, string name, out FakeMemory memory)
    {
        var made = memory = new FakeMemory(2);
        return _table.Add(holder, name, Bytes, null, () => made);
    }

    private void Add(FakeHolder holder, string name, Action onDispose) =>
        _table.Add(holder, name, Bytes, null, () => new FakeMemory(2) { OnDispose = onDispose });
}
