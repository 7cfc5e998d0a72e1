using System.Text;
using PageShare.Cli;
using PageShare.Cli.Scan.Targets;
using PageShare.Cli.Traces;
using PageShare.Platform;
using PageShare.TestKit;
using PageShare.UnitTests.Cli.Scan;

namespace PageShare.UnitTests.Cli.Traces;

public sealed class RecordingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ReadsWhatWasWritten()
    {
        MemoryTrace trace = RecordingReader.Read(
            Record([1, 0, 2, 2, 3], [1, 0, 5, 2, 0], [7, 7, 5, 2, 0]));

        Assert.Equal(["vm-0"], trace.Guests);
        Assert.Equal([0, 10, 20], trace.Moments.Select(moment => moment.At.TotalSeconds));
        Assert.Equal(5, trace.Moments[0].Changes[0].Length);
        Assert.Equal(
            [new PageChange(2, 4), new PageChange(4, Contents.Zero)], trace.Moments[1].Changes[0]);
        Assert.Equal([new PageChange(0, 5), new PageChange(1, 5)], trace.Moments[2].Changes[0]);
        Assert.Equal(6, trace.Contents);
    }

    [Fact]
    public void LoadBetweenMomentsLeavesTheObserverOut()
    {
        MemoryTrace trace = RecordingReader.Read(Record([1, 2], [1, 3]));

        // Of each second one core of two is busy, half of that with recording.
        Assert.Null(trace.Moments[0].Load);
        Assert.Equal(75, trace.Moments[1].Load!.Value.IdlePercent, 6);
        Assert.Equal(2.5, trace.Moments[1].Load!.Value.CpuPressurePercent!.Value, 3);
    }

    [Fact]
    public void SameEqualitiesOfOtherContentsGiveTheSameBytes()
    {
        // Nothing of what pages hold is in the file, not even as a hash.
        byte[] first = File.ReadAllBytes(Record([1, 0, 2, 2, 3], [1, 9, 2, 0, 3]));
        byte[] second = File.ReadAllBytes(Record([71, 0, 55, 55, 60], [71, 8, 55, 0, 60]));

        Assert.Equal(first, second);
    }

    [Fact]
    public void CutOffAnywhereIsRefusedByName()
    {
        string path = Record([1, 0, 2, 2, 3], [1, 9, 2, 0, 3]);
        byte[] whole = File.ReadAllBytes(path);
        for (int length = 0; length < whole.Length; length++)
        {
            string cut = _folder.Write("cut.psrec", whole.AsSpan(0, length));
            CommandException refused = Assert.Throws<CommandException>(() => RecordingReader.Read(cut));
            Assert.StartsWith(cut, refused.Message, StringComparison.Ordinal);
            Assert.Equal(ExitCode.Failed, refused.ExitCode);
            string reason = length < RecordingFormat.FileHeadBytes ? "is no recording" : "cut off";
            Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void EveryDamagedByteIsFound()
    {
        string path = Record([1, 0, 2, 2, 3], [1, 9, 2, 0, 3]);
        byte[] whole = File.ReadAllBytes(path);
        for (int at = 0; at < whole.Length; at++)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x10;
            string file = _folder.Write("damaged.psrec", damaged);
            Assert.Throws<CommandException>(() => RecordingReader.Read(file));
        }
    }

    [Fact]
    public void TrailingBytesAreRefused()
    {
        byte[] whole = File.ReadAllBytes(Record([1, 2]));

        string longer = _folder.Write("longer.psrec", [.. whole, 0]);

        Assert.Throws<CommandException>(() => RecordingReader.Read(longer));
    }

    [Theory]
    [InlineData("", "is no recording")]
    [InlineData("not at all a recording", "is no recording")]
    [InlineData("PSREC\r\n\0\u0002\0\0\0", "format 2")]
    public void OtherFilesAreRefused(string content, string reason)
    {
        string path = _folder.Write("other", Encoding.Latin1.GetBytes(content));

        CommandException refused = Assert.Throws<CommandException>(() => RecordingReader.Read(path));

        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingFileIsNamed()
    {
        string path = Path.Combine(_folder.Path, "missing");

        CommandException refused = Assert.Throws<CommandException>(() => RecordingReader.Read(path));

        Assert.Contains($"{path}: does not exist", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RecordingOfNothingIsRefused()
    {
        CommandException refused = Assert.Throws<CommandException>(() => RecordingReader.Read(Record([])));

        Assert.Contains("no page", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ExistingFileIsNotOverwritten()
    {
        string path = _folder.Write("there", "already");

        Assert.Throws<CommandException>(() => new RecordingWriter(path, ["vm"]));

        Assert.Equal("already", File.ReadAllText(path));
    }

    [Fact]
    public void LongStretchesTakeNoRoom()
    {
        int[] many = [.. Enumerable.Range(1, 20_000)];

        Assert.InRange(new FileInfo(Record(many, many, many)).Length, 1, 300);
    }

    /// <summary>Records moments of one guest whose pages hold these numbers, ten seconds apart.</summary>
    private string Record(params int[][] moments)
    {
        string path = Path.Combine(_folder.Path, $"{Guid.NewGuid()}.psrec");
        using var reader = new MomentReader(["vm-0"], threads: 1);
        using var writer = new RecordingWriter(path, reader.Names);
        for (int i = 0; i < moments.Length; i++)
        {
            using ScanTarget target = new NumberedPages("vm-0", moments[i]);
            var load = new MachineLoad(TimeSpan.FromSeconds(10 * i), TimeSpan.FromSeconds(10 * i), 2.5);
            Moment moment = reader.Read([target], TimeSpan.FromSeconds(10 * i), load, CancellationToken.None)!;
            writer.Add(moment with { OwnCpu = TimeSpan.FromSeconds(5 * i) });
        }

        writer.End();
        return path;
    }
}
