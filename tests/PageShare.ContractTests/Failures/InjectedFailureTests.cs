using PageShare.PageTable;
using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Points;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests.Failures;

/// <summary>
/// Each system call of seal, remap and break fails, once or for as long as it matters: nobody sees a wrong byte, who
/// asked for something is told clearly, and once the call works again everything is as if it had never failed.
/// </summary>
public sealed class InjectedFailureTests : UnfinishedEngine
{
    // Long enough that a break whose memory comes back never gives up, however busy the machine is.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    [Theory]
    [MemberData(nameof(EveryCall))]
    public void PassesGoOnAndALaterOneMakesUpForIt(TestCall call, int? times, FaultMode mode)
    {
        Prepare(mode);
        using (Fail(call, times))
        {
            for (var pass = 0; pass < 3; pass++)
            {
                Assert.True(Engine.Scan().Completed);
                Engine.VerifyAll();
            }
        }

        if (call == TestCall.Punch)
        {
            // What was not punched is memory in nobody's view, until the page breaks the next time.
            Assert.InRange(MemoryObjects.AllPages, (2 * Pages) - Engine.OptimumPages, 3 * Pages);
            Engine.Engine.UnshareAll();
        }

        Recovers();
    }

    [Fact]
    public void APageThatStaysSealedForWantOfAMappingIsBrokenByTheNextStore()
    {
        Prepare(FaultMode.Kernel);
        using (Injection.Lasting(TestCall.Unseal))
        {
            // The second guest's page 5 equals its frame again: its copy goes, and its seal cannot be lifted.
            Engine.Scan();
            Engine.Guests[1].Write(5, 8, 0xA5);
            Engine.Guests[1].Write(5, 9, 0xA6);
            Engine.VerifyAll();
        }

        Recovers();
    }

    [Theory]
    [InlineData(TestCall.CopyHome, 8)]
    [InlineData(TestCall.MapIdentity, 80)] // more than the reserve of mappings can make up for
    [InlineData(TestCall.Track, 8)]
    public void AStoreWhoseBreakFailsForAMomentSucceeds(TestCall call, int times)
    {
        Prepare(FaultMode.Signal, Patience);
        using (Injection.Once(call, times: times))
        {
            Engine.Guests[0].Write(8, 1, 1);
            Engine.Guests[1].Write(8, 2, 2);
            Engine.Guests[1].Write(9, 3, 3);
        }

        Assert.Equal(call == TestCall.Track, Engine.Totals.BreaksStalled == 0);
        Recovers();
    }

    [Theory]
    [MemberData(nameof(EveryCall))]
    public void EnsureWritableEitherSucceedsOrSaysWhyNot(TestCall call, int? times, FaultMode mode)
    {
        Prepare(mode);
        Attempt(
            call, times, mode, () => Engine.Guests[0].Guest.EnsureWritable(0, 12 * PageContent.Bytes), times is null);
        Recovers();
    }

    [Theory]
    [MemberData(nameof(EveryCall))]
    public void UnshareAllEitherSucceedsOrSaysWhyNot(TestCall call, int? times, FaultMode mode)
    {
        Prepare(mode);
        Attempt(call, times, mode, Engine.Engine.UnshareAll, times is null);
        Recovers();
    }

    [Theory]
    [MemberData(nameof(EveryCall))]
    public void PinWritableEitherPinsAllOrNothing(TestCall call, int? times, FaultMode mode)
    {
        Prepare(mode);
        var guest = Engine.Guests[0];
        WritablePin? pin = null;
        Attempt(call, times, mode, () => pin = guest.Guest.PinWritable(0, 12 * PageContent.Bytes), times is null);
        var pins = Enumerable.Range(0, 12)
            .Select(page => guest.Guest.Region.Words.Read(new Memory.PageNumber(page)).Pins);
        Assert.All(pins, count => Assert.Equal(pin is null ? 0 : 1, count));
        pin?.Dispose();
        Recovers();
    }

    [Theory]
    [InlineData(TestCall.CopyHome, FaultMode.Signal)]
    [InlineData(TestCall.CopyHome, FaultMode.Kernel)]
    [InlineData(TestCall.MapIdentity, FaultMode.Signal)]
    [InlineData(TestCall.MapIdentity, FaultMode.Kernel)]
    [InlineData(TestCall.Seal, FaultMode.Kernel)]
    public void ABreakThatNeverSucceedsTellsOperationGuestAndError(TestCall call, FaultMode mode)
    {
        Prepare(mode);
        using var injection = Injection.Lasting(call);
        var thrown = Assert.Throws<PlatformException>(
            () => Engine.Guests[0].Guest.EnsureWritable(0, PageContent.Bytes));
        Assert.Equal(Injection.NoMemory, thrown.ErrorCode);
        Assert.Equal("breaking", thrown.Operation);
        Assert.Contains("'first'", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("1 pages", thrown.Message, StringComparison.Ordinal);
        Assert.True(PageStates.IsShared(EngineBooks.StateOf(Engine.Guests[0], 0)));
        Assert.True(Engine.Totals.BreaksStalled >= 1);
        Recovers();
    }

    [Fact]
    public void OtherErrorsThanAWantOfMemoryAreToldAsTheyAre()
    {
        const int InputOutputError = 5;
        Prepare(FaultMode.Signal);
        using var injection = Injection.Lasting(TestCall.CopyHome, InputOutputError);
        var thrown = Assert.Throws<PlatformException>(Engine.Guests[0].Guest.Unshare);
        Assert.Equal(InputOutputError, thrown.ErrorCode);
        Recovers();
    }

    [Theory, BothModes]
    public void WritesThatTheKernelDoesNotTrackAreFoundAllTheSame(FaultMode mode)
    {
        Prepare(mode);
        Engine.Converge();
        using (Injection.Lasting(TestCall.Track))
        {
            Engine.Guests[0].Guest.Unshare();
            Engine.Scan();
            Engine.Scan();
            Engine.Guests[0].Write(2, PageContent.Unique(9000));
            Engine.Guests[1].Write(20, PageContent.Unique(9000));
            Engine.Converge();
            Assert.Equal(EngineBooks.StateOf(Engine.Guests[0], 2), EngineBooks.StateOf(Engine.Guests[1], 20));
            Assert.True(PageStates.IsShared(EngineBooks.StateOf(Engine.Guests[0], 2)));
            Engine.VerifyAll();
        }

        Recovers();
    }

    // Breaks need these calls, and no others; a failure that lasts must be told, and no other may be.
    private void Attempt(TestCall call, int? times, FaultMode mode, Action action, bool isLasting)
    {
        var isNeeded = call is TestCall.CopyHome or TestCall.MapIdentity
            || (call == TestCall.Seal && mode == FaultMode.Kernel);
        using (Fail(call, times))
        {
            var thrown = Record.Exception(action);
            if (isNeeded && isLasting)
            {
                Assert.Equal(Injection.NoMemory, Assert.IsType<PlatformException>(thrown).ErrorCode);
            }
            else if (!isNeeded)
            {
                Assert.Null(thrown);
            }
            else
            {
                Assert.True(thrown is null or PlatformException, $"{thrown}"); // a moment may outlast a short timeout
            }

            Engine.VerifyAll();
        }
    }
}
