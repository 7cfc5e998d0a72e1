using PageShare.Host.Access;
using PageShare.Host.Guests;
using PageShare.Host.Sessions;
using PageShare.Protocol.Messages;
using PageShare.UnitTests.Scan;

namespace PageShare.UnitTests.Host;

public sealed class UserAccountTests
{
    private static readonly UserRights Rights = new(1001, IsOperator: false, MostBytes: 1000, MostGuests: 2,
        Domains: null);

    private readonly SimulatedTime _time = new();

    [Fact]
    public void MemoryBeyondTheQuotaIsRefusedAndWhatIsGivenBackCanBeHadAgain()
    {
        var account = new UserAccount(_time, 10);
        Assert.Null(account.Charge(Rights, 600));
        Assert.Equal(400, account.Remaining(Rights));
        Assert.Equal(RefusalCode.OverQuota, account.Charge(Rights, 401)!.Code);
        Assert.Null(account.Charge(Rights, 400));
        account.Discharge(600);
        Assert.Null(account.Charge(Rights, 600));
    }

    [Fact]
    public void ASizeThatWouldOverflowTheSumIsRefused()
    {
        var account = new UserAccount(_time, 10);
        Assert.Null(account.Charge(Rights, 1));
        Assert.Equal(RefusalCode.OverQuota, account.Charge(Rights, long.MaxValue)!.Code);
    }

    [Fact]
    public void GuestsBeyondTheirNumberAreRefused()
    {
        var account = new UserAccount(_time, 10);
        Assert.Null(account.Charge(Rights, 1));
        Assert.Null(account.Charge(Rights, 1));
        Assert.Contains("may have 2", account.Charge(Rights, 1)!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutQuotaNothingIsRefused()
    {
        var account = new UserAccount(_time, 10);
        var free = Rights with { MostBytes = 0, MostGuests = 0 };
        Assert.Null(account.Charge(free, 1L << 60));
        Assert.Null(account.Remaining(free));
    }

    [Fact]
    public void ConnectionsBeyondTheirNumberAreRefusedAndAnEmptyAccountIsForgotten()
    {
        var book = new AccountBook(_time, 10);
        var first = book.Connect(1, most: 2)!;
        Assert.Same(first, book.Connect(1, most: 2));
        Assert.Null(book.Connect(1, most: 2));
        Assert.NotNull(book.Connect(2, most: 2));
        first.Disconnect();
        book.Forget(1);
        Assert.Same(first, book.Connect(1, most: 2)); // one is left
        first.Disconnect();
        first.Disconnect();
        book.Forget(1);
        Assert.NotSame(first, book.Connect(1, most: 2));
    }

    [Fact]
    public void RequestsAboveThePaceWaitAndTheOthersDoNot()
    {
        var account = new UserAccount(_time, requestsPerSecond: 10);
        for (var request = 0; request < 10; request++)
        {
            Assert.Equal(TimeSpan.Zero, account.CountRequest());
        }

        Assert.Equal(TimeSpan.FromMilliseconds(100), account.CountRequest());
        Assert.Equal(TimeSpan.FromMilliseconds(200), account.CountRequest());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.Zero, account.CountRequest());
    }

    [Fact]
    public void TheLogIsQuietForAWhileAfterALineOfTheSameUser()
    {
        var quiet = new QuietTime(_time);
        Assert.True(quiet.IsOver(1, out _));
        Assert.False(quiet.IsOver(1, out _));
        Assert.False(quiet.IsOver(1, out _));
        Assert.True(quiet.IsOver(2, out _));
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.True(quiet.IsOver(1, out var silenced));
        Assert.Equal(2, silenced);
    }

    [Theory]
    [InlineData("web-1", true)]
    [InlineData("ein Gast, größer", true)]
    [InlineData("<b>&\"'\\", true)]
    [InlineData("😀", true)]
    [InlineData("", false)]
    [InlineData("   ", false)]
    [InlineData("1001/web", false)]
    [InlineData("a\nb", false)]
    [InlineData("a\u001b[31m", false)]
    [InlineData("a\u202eb", false)]
    [InlineData("a\ud800", false)]
    public void NamesCanBePrintedOrAreRefused(string name, bool isValid) =>
        Assert.Equal(isValid, GuestName.IsValid(name));

    [Fact]
    public void LongNamesAreRefusedAndProgramsAreCutAndCleaned()
    {
        Assert.True(GuestName.IsValid(new string('a', 128)));
        Assert.False(GuestName.IsValid(new string('a', 129)));
        Assert.Equal("a?b", GuestName.Clean("a\nb"));
        Assert.Equal(128, GuestName.Clean(new string('a', 500)).Length);
        Assert.Equal("", GuestName.Clean(null));
    }
}
