using Microsoft.Extensions.Logging.Abstractions;
using PageShare.Host;
using PageShare.Host.Guests;
using PageShare.Host.Status;
using PageShare.Metrics;
using PageShare.Protocol;
using PageShare.Protocol.Messages;
using PageShare.UnitTests.Scan;

namespace PageShare.UnitTests.Host;

public sealed class StatusReportTests : IDisposable
{
    private readonly GuestTable _table = new(new HostLog(NullLoggerFactory.Instance));
    private readonly SimulatedTime _time = new();

    public void Dispose() => _table.Dispose();

    [Fact]
    public void OneSnapshotServesAllWhoAskWithinAQuarterOfASecond()
    {
        var memories = new FakeMemories(guests: 1);
        var report = Report(memories);
        var first = report.Take();
        Assert.Same(first, report.Take());
        _time.Advance(StatusReport.Lifetime);
        Assert.NotSame(first, report.Take());
        Assert.Equal(2, memories.Snapshots);
    }

    [Fact]
    public void WhatFitsAFrameIsAllThere()
    {
        var status = Report(new FakeMemories(guests: 50)).ForFrame();
        Assert.Equal(50, status.Engine.Guests.Length);
        Assert.Empty(status.Engine.Warnings);
    }

    [Fact]
    public void OfGuestsThatNoFrameTakesTheLargestAreThereAndAWarningSaysSo()
    {
        var report = Report(new FakeMemories(guests: 2000));
        var status = report.ForFrame();
        Assert.InRange(
            MessageBody.Write(MessageKind.Status, status).Length,
            FrameHeader.MaximumBodyLength / 4, FrameHeader.MaximumBodyLength);
        Assert.Contains("of 2000 guests", Assert.Single(status.Engine.Warnings), StringComparison.Ordinal);
        var smallest = status.Engine.Guests.Min(static guest => guest.Counters.PagesPopulated);
        Assert.Equal(2000 - status.Engine.Guests.Length, smallest); // guest number n has n pages
        Assert.Equal(2000, report.Take().Engine.Guests.Length);
    }

    [Fact]
    public void AGuestIsShownByItsNameAlone() => Assert.Equal(
        ["guest-0", "guest-1"],
        Report(new FakeMemories(guests: 2)).Take().Engine.Guests.Select(static guest => guest.Name));

    private StatusReport Report(FakeMemories memories) => new(HostIdentity.Create(), _table, memories, _time);

    private sealed class FakeMemories(int guests) : IGuestMemories
    {
        public int Snapshots { get; private set; }

        public EngineOptions Options { get; } = new();

        public IGuestMemory Create(IsolatedSpec spec) => throw new NotSupportedException();

        public IGuestMemory Resume(ResumeSpec spec) => throw new NotSupportedException();

        public EngineSnapshot Snapshot()
        {
            Snapshots++;
            return new EngineSnapshot
            {
                Totals = new CounterSet(),
                Domains = [],
                Guests = [.. Enumerable.Range(0, guests).Select(static at => new GuestSnapshot
                {
                    Name = $"1001/guest-{at}",
                    Domain = "1001/default",
                    Counters = new CounterSet { PagesPopulated = at },
                })],
                SealKind = "mprotect",
                BreakCounting = "handler",
            };
        }
    }
}
