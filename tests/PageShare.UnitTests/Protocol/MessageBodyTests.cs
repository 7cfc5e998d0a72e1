using System.Text;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.UnitTests.Protocol;

public sealed class MessageBodyTests
{
    public static TheoryData<MessageKind> Kinds => [.. SampleMessages.All.Keys];

    [Theory, MemberData(nameof(Kinds))]
    public void EveryBodyIsReadAsItWasWritten(MessageKind kind)
    {
        var bytes = SampleMessages.BodyOf(kind);
        var read = MessageBody.Read(kind, bytes);
        Assert.Equivalent(SampleMessages.All[kind], read, strict: true);
    }

    [Fact]
    public void ThereIsASampleOfEveryKind() =>
        Assert.Equal(
            Enum.GetValues<MessageKind>().Except([MessageKind.None]).Order(), SampleMessages.All.Keys.Order());

    [Fact]
    public void WordsAreCamelCase() =>
        Assert.Equal(
            """{"name":"a","bytes":4096,"maximumBytes":null,"domain":null,"faultMode":"kernel","sharing":true}""",
            Encoding.UTF8.GetString(MessageBody.Write(
                MessageKind.Allocate, new AllocateRequest("a", 4096, null, null, FaultMode.Kernel))));

    [Fact]
    public void UnknownMembersArePassedOver()
    {
        var body = MessageBody.Read<GrowRequest>(
            MessageKind.Grow, """{"guestId":1,"later":{"a":[1,2]},"pages":2}"""u8);
        Assert.Equal(new GrowRequest(1, 2), body);
    }

    [Fact]
    public void MembersWithADefaultMayBeMissing() =>
        Assert.Equal(
            new HelloRequest("web"), MessageBody.Read<HelloRequest>(MessageKind.Hello, """{"program":"web"}"""u8));

    [Theory]
    [InlineData("""{"guestId":1}""", "pages")]
    [InlineData("""{"guestId":null,"pages":2}""", "guestId")]
    [InlineData("""{"guestId":"1","pages":2}""", "guestId")]
    [InlineData("""{"guestId":1.5,"pages":2}""", "guestId")]
    [InlineData("""{"guestId":1,"pages":99999999999999999999}""", "pages")]
    [InlineData("""{"guestId":1,"guestId":1,"pages":2}""", "guestId")]
    [InlineData("""{"GuestId":1,"Pages":2}""", "guestId")]
    [InlineData("""{"guestId":1,"pages":2}x""", "x")]
    [InlineData("""{"guestId":1,"pages":2""", "Grow")]
    [InlineData("[1,2]", "Grow")]
    [InlineData("null", "null")]
    [InlineData("", "Grow")]
    [InlineData("\0\0\0\0", "Grow")]
    public void ABodyThatIsNoneIsRefusedWithAReason(string json, string text)
    {
        var error = Assert.Throws<ProtocolException>(
            () => MessageBody.Read<GrowRequest>(MessageKind.Grow, Encoding.UTF8.GetBytes(json)));
        Assert.Equal(RefusalCode.Protocol, error.Code);
        Assert.Contains("Grow", error.Message, StringComparison.Ordinal);
        Assert.Contains(text, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"other\"")]
    [InlineData("1")]
    [InlineData("77")]
    public void OnlyTheWordsOfAFaultModeAreOne(string mode) =>
        Assert.Throws<ProtocolException>(() => MessageBody.Read<AllocateRequest>(
            MessageKind.Allocate,
            Encoding.UTF8.GetBytes(
                $$"""{"name":"a","bytes":4096,"maximumBytes":null,"domain":null,"faultMode":{{mode}}}""")));

    [Fact]
    public void DeepNestingIsRefused() =>
        Assert.Throws<ProtocolException>(() => MessageBody.Read<GrowRequest>(
            MessageKind.Grow,
            Encoding.UTF8.GetBytes($$"""{"guestId":1,"pages":2,"later":{{new string('[', 50_000)}}""")));

    [Fact]
    public void ANameThatIsNullIsRefused() =>
        Assert.Throws<ProtocolException>(() => MessageBody.Read<HelloRequest>(
            MessageKind.Hello, """{"program":null}"""u8));

    [Fact]
    public void AReasonFromTheFutureIsReadable() =>
        Assert.Equal((RefusalCode)99, MessageBody.Read<Refusal>(
            MessageKind.Refused, """{"code":99,"reason":"because"}"""u8).Code);

    [Fact]
    public void ABodyOfAnotherKindIsTheCallersMistake()
    {
        Assert.Throws<ArgumentException>(() => MessageBody.Write(MessageKind.Grow, new GuestRequest(1)));
        Assert.Throws<ArgumentException>(() => MessageBody.Read<GuestRequest>(MessageKind.Grow, "{}"u8));
    }

    [Fact]
    public void ABodyThatIsTooLongIsNotWritten()
    {
        var most = new string('p', FrameHeader.MaximumBodyLength - """{"pages":1,"kinds":""}""".Length);
        MessageBody.Write(MessageKind.Contents, new ContentsAnswer(1, most));
        Assert.Throws<ArgumentException>(
            () => MessageBody.Write(MessageKind.Contents, new ContentsAnswer(1, most + "p")));
    }
}
