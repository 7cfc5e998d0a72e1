using System.Buffers.Binary;
using System.Text;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.UnitTests.Protocol;

public sealed class FrameHeaderTests
{
    [Fact]
    public void EveryKindIsReadAsItWasWritten()
    {
        foreach (var kind in Enum.GetValues<MessageKind>().Except([MessageKind.None]))
        {
            var bytes = new byte[FrameHeader.Bytes];
            var written = new FrameHeader(kind, FrameHeader.MaximumBodyLength, MessageRules.Of(kind)!.MostDescriptors);
            written.Write(bytes);
            Assert.True(FrameHeader.TryParse(bytes, out var read, out _), $"{kind}");
            Assert.Equal(written, read);
        }
    }

    [Fact]
    public void TheLayoutIsTheDocumentedOne()
    {
        var bytes = new byte[FrameHeader.Bytes];
        new FrameHeader(MessageKind.Allocated, 0x1234, 4).Write(bytes);
        Assert.Equal("PGSH"u8.ToArray(), bytes[..4]);
        Assert.Equal([1, 0, 11, 0, 0x34, 0x12, 0, 0, 4, 0, 0, 0], bytes[4..]);
    }

    [Theory]
    [InlineData(0, 0x48, RefusalCode.Protocol, "no PageShare frame")]
    [InlineData(4, 2, RefusalCode.Version, "version 2")]
    [InlineData(4, 0, RefusalCode.Version, "version 0")]
    [InlineData(6, 0, RefusalCode.Protocol, "kind 0")]
    [InlineData(6, 9, RefusalCode.Protocol, "kind 9")]
    [InlineData(6, 60_000, RefusalCode.Protocol, "kind 60000")]
    [InlineData(8, FrameHeader.MaximumBodyLength + 1, RefusalCode.Protocol, "262145 bytes")]
    [InlineData(8, -1, RefusalCode.Protocol, "4294967295 bytes")]
    [InlineData(12, 3, RefusalCode.Protocol, "4 descriptors, not 3")]
    [InlineData(12, 5, RefusalCode.Protocol, "4 descriptors, not 5")]
    [InlineData(12, -1, RefusalCode.Protocol, "not 4294967295")]
    public void WhatIsWrongIsSaid(int offset, int value, RefusalCode code, string text)
    {
        var bytes = new byte[FrameHeader.Bytes];
        new FrameHeader(MessageKind.Allocated, 100, 4).Write(bytes);
        if (offset is 4 or 6)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(offset), (ushort)value);
        }
        else
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(offset), value);
        }

        Assert.False(FrameHeader.TryParse(bytes, out _, out var error));
        Assert.Equal(code, error.Code);
        Assert.Contains(text, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AStrangerIsRecognizedByItsFirstBytes()
    {
        Assert.False(FrameHeader.TryParse(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\n"), out _, out var error));
        Assert.Contains("no PageShare frame", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryKindHasItsRules() =>
        Assert.All(
            Enum.GetValues<MessageKind>(),
            kind => Assert.Equal(kind == MessageKind.None, MessageRules.Of(kind) is null));
}
