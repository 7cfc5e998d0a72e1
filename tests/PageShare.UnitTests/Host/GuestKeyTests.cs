using PageShare.Host.Guests;

namespace PageShare.UnitTests.Host;

public sealed class GuestKeyTests
{
    [Theory]
    [InlineData("1001/web", 1001u, "web")]
    [InlineData("alice/web", 1001u, "web")]
    [InlineData("0/a b", 0u, "a b")]
    [InlineData("web", null, "")]
    [InlineData("nobody-here/web", null, "")]
    [InlineData("/web", null, "")]
    public void UserAndNameAreReadBack(string text, uint? user, string name)
    {
        Assert.Equal(user is not null, GuestKey.TryParse(text, FindUser, out var key));
        Assert.Equal(user is { } id ? new GuestKey(id, name) : default, key);
    }

    [Fact]
    public void ATextTellsUserAndName()
    {
        var text = new GuestKey(1001, "web").ToString();
        Assert.Equal("1001/web", text);
        Assert.Equal(("1001", "web"), (GuestKey.UserIn(text), GuestKey.NameIn(text)));
        Assert.Equal(("", "web"), (GuestKey.UserIn("web"), GuestKey.NameIn("web")));
    }

    [Fact]
    public void ANameThatOneUserHasIsShownAloneAndOthersWithTheirUsers()
    {
        var shown = GuestKey.Shorten(["1/web", "2/web", "1/db", "1/db"]);
        Assert.Equal(3, shown.Count);
        Assert.Equal(("1/web", "2/web", "db"), (shown["1/web"], shown["2/web"], shown["1/db"]));
    }

    private static uint? FindUser(string user) => uint.TryParse(user, out var id) ? id : user == "alice" ? 1001 : null;
}
