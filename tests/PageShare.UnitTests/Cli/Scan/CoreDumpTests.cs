using System.Buffers.Binary;
using PageShare.Cli.Scan;
using PageShare.Cli.Scan.Report;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli.Scan;

public sealed class CoreDumpTests : IDisposable
{
    private const ulong Base = 0x7F00_0000_0000;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void LoadedSegmentsAreCountedAndNothingElse()
    {
        byte[] first = PageMix.Make(150, 1);
        byte[] second = PageMix.Make(77, 2);
        byte[] dump = new CoreDump()
            .Add(0, new byte[1000], type: 4) // a note
            .Add(Base + 0x100_0000, second)
            .Add(Base, first, memory: (ulong)first.Length + 0x8000) // the last 8 pages were not dumped
            .ToBytes();

        ScanReport report = Scan(dump);

        SortedPages expected = SortedPages.Count(first, second);
        Assert.Empty(report.Problems);
        Assert.Equal(expected.Pages, report.Total.Pages);
        Assert.Equal(expected.ZeroPages, report.Total.ZeroPages);
        Assert.Equal(expected.Distinct, report.Total.DistinctPages);
        Assert.Equal("core dump", Assert.Single(report.Targets).Kind);
    }

    [Fact]
    public void SegmentsAreRegions()
    {
        byte[] memory = PageMix.Make(1, 99);

        // Two equal pages, each all of its segment: two mappings either way.
        byte[] dump = new CoreDump().Add(Base, memory).Add(Base + 0x1000, memory).ToBytes();

        Assert.Equal(2, Scan(dump).Total.MappingsNeeded);
    }

    [Fact]
    public void DumpOfAMachineIsOrderedByPhysicalAddress()
    {
        // Virtual addresses are all 0, as without paging: that is no overlap.
        byte[] dump = new CoreDump()
            .Add(0, PageMix.Make(3, 3), physical: 0x1_0000_0000)
            .Add(0, PageMix.Make(5, 4), physical: 0)
            .ToBytes();

        Assert.Equal(8, Scan(dump).Total.Pages);
    }

    [Fact]
    public void CountThatDoesNotFitStandsInTheFirstSection()
    {
        const int SectionOffset = 2048;
        byte[] dump = new CoreDump().Add(Base, PageMix.Make(9, 5)).Edit(file =>
        {
            BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(56), 0xFFFF);
            BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(40), SectionOffset);
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(SectionOffset + 44), 1);
        }).ToBytes();

        Assert.Equal(9, Scan(dump).Total.Pages);
    }

    [Theory]
    [InlineData("overlapping segments", "address")]
    [InlineData("overlapping segments", "memory")]
    [InlineData("overlapping segments", "offset")]
    [InlineData("cut off", "truncated")]
    [InlineData("cut off", "huge segment")]
    [InlineData("cut off", "huge offset")]
    [InlineData("ends within its ELF header", "header only")]
    [InlineData("no whole pages", "unaligned length")]
    [InlineData("no whole pages", "unaligned address")]
    [InlineData("beyond all addresses", "huge address")]
    [InlineData("beyond all addresses", "huge memory")]
    [InlineData("damaged ELF header", "huge count")]
    [InlineData("damaged ELF header", "entry size")]
    [InlineData("damaged ELF header", "huge table offset")]
    [InlineData("damaged ELF header", "huge extended count")]
    [InlineData("more than 65,534", "no section")]
    [InlineData("32 bits or big-endian", "32 bits")]
    [InlineData("32 bits or big-endian", "big-endian")]
    [InlineData("no core dump", "program")]
    [InlineData("no loaded segment", "no segment")]
    [InlineData("no loaded segment", "notes only")]
    public void DumpThatCanNotBeTrueIsRefusedWithItsReason(string reason, string fault)
    {
        ScanReport report = Scan(Faulty(fault));

        ProblemReport problem = Assert.Single(report.Problems);
        Assert.Contains(reason, problem.Message, StringComparison.Ordinal);
        Assert.EndsWith("dump", problem.Target, StringComparison.Ordinal);
        Assert.Empty(report.Targets);
        Assert.Equal(1, ScanCommand.ExitCodeOf(report));
    }

    [Fact]
    public void AnyHeaderEndsInAReport()
    {
        var random = Seeds.Create();
        byte[] right = new CoreDump().Add(Base, PageMix.Make(2, 6)).Add(Base + 0x10000, PageMix.Make(2, 7)).ToBytes();
        for (int i = 0; i < 300; i++)
        {
            byte[] wrong = [.. right];
            for (int edits = 0; edits < 3; edits++)
            {
                wrong[random.Next(4, 176)] = (byte)random.Next(256);
            }

            ScanReport report = Scan(wrong);
            Assert.True(report.Problems.Count > 0 || report.Total.Pages is >= 0 and <= 4);
        }
    }

    private static byte[] Faulty(string fault)
    {
        byte[] two = PageMix.Make(2, 8);
        CoreDump dump = new CoreDump().Add(Base, two);
        return fault switch
        {
            "address" => dump.Add(Base + 0x1000, two).ToBytes(),
            "memory" => new CoreDump().Add(Base, two, memory: 0x5000).Add(Base + 0x4000, two).ToBytes(),
            "offset" => dump.Add(Base + 0x10000, two, offset: 0x2000).ToBytes(),
            "truncated" => dump.ToBytes()[..^100],
            "huge segment" => dump.Edit(Write(64 + 32, ulong.MaxValue - 0xFFF)).ToBytes(),
            "huge offset" => dump.Edit(Write(64 + 8, ulong.MaxValue - 0xFFF)).ToBytes(),
            "header only" => dump.ToBytes()[..20],
            "unaligned length" => new CoreDump().Add(Base, new byte[5000]).ToBytes(),
            "unaligned address" => new CoreDump().Add(Base + 8, two).ToBytes(),
            "huge address" => new CoreDump().Add(ulong.MaxValue - 0xFFF, two).ToBytes(),
            "huge memory" => new CoreDump().Add(Base, two, memory: ulong.MaxValue).ToBytes(),
            "huge count" => dump.Edit(file => file.AsSpan(56, 2).Fill(0xFE)).ToBytes(),
            "entry size" => dump.Edit(file => file[54] = 57).ToBytes(),
            "huge table offset" => dump.Edit(Write(32, ulong.MaxValue)).ToBytes(),
            "huge extended count" => dump.Edit(file =>
            {
                file.AsSpan(56, 2).Fill(0xFF);
                BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(40), 1024);
                file.AsSpan(1024 + 44, 4).Fill(0xFF);
            }).ToBytes(),
            "no section" => dump.Edit(file => file.AsSpan(56, 2).Fill(0xFF)).Edit(Write(40, ulong.MaxValue)).ToBytes(),
            "32 bits" => dump.Edit(file => file[4] = 1).ToBytes(),
            "big-endian" => dump.Edit(file => file[5] = 2).ToBytes(),
            "program" => dump.Edit(file => file[16] = 3).ToBytes(),
            "no segment" => new CoreDump().ToBytes(),
            "notes only" => new CoreDump().Add(0, new byte[100], type: 4).ToBytes(),
            _ => throw new ArgumentException(fault),
        };
    }

    private static Action<byte[]> Write(int offset, ulong value) =>
        file => BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(offset), value);

    private ScanReport Scan(byte[] dump) => ScanSession.Run(
        new ScanOptions { Targets = [_folder.Write("dump", dump)], Threads = 2 }, CancellationToken.None);
}
