using System.Diagnostics;
using System.Text.Json;
using Mono.Unix.Native;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Cli;

/// <summary><c>pageshare tune</c> as users run it.</summary>
public sealed class TuneTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ImagesOfTwoMomentsGiveSettingsForTheHost()
    {
        string output = Path.Combine(_folder.Path, "host.json");
        string[] first = [Image("a0", 1), Image("b0", 2)];
        string[] second = [Image("a1", 3), Image("b1", 4)];

        JsonElement json = Tune(
            ["--at", "0s", .. first, "--at", "30s", .. second, "--judge-at", "0s", first[0], "--json", "--out", output])
            .Expect(0).Json;

        JsonElement engine = JsonDocument.Parse(File.ReadAllText(output)).RootElement.GetProperty("engine");
        Assert.Equal(
            json.GetProperty("configuration").GetProperty("engine").GetProperty("targetPassTime").GetString(),
            engine.GetProperty("targetPassTime").GetString());
        Assert.Equal(2, json.GetProperty("trace").GetProperty("moments").GetInt32());
        Assert.Equal(2, json.GetProperty("trace").GetProperty("guests").GetArrayLength());
        JsonElement defaults = json.GetProperty("defaults");
        JsonElement recommended = json.GetProperty("recommended");
        Assert.True(
            recommended.GetProperty("cpuPercent").GetDouble() <= defaults.GetProperty("cpuPercent").GetDouble());
        Assert.True(recommended.GetProperty("savedBytes").GetInt64() > 0);
        Assert.True(json.GetProperty("paretoFront").GetArrayLength() > 1);
        Assert.Equal(10, json.GetProperty("settings").GetArrayLength());
        Assert.Equal("a0.ram", json.GetProperty("judgement").GetProperty("trace").GetProperty("name").GetString());
    }

    [Fact]
    public void RecordingGivesATableAndSentences()
    {
        string recording = Path.Combine(_folder.Path, "vm.psrec");
        PageShareCommand.Run(
            "record", "--interval", "50ms", "--duration", "100ms", "--out", recording, Image("a", 1)).Expect(0);

        string said = Tune(recording, "--judge", recording).Expect(0).Output;

        Assert.Contains("recommended", said, StringComparison.Ordinal);
        Assert.Contains("\"engine\"", said, StringComparison.Ordinal);
        Assert.Contains("A full pass takes", said, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', said);
    }

    [Fact]
    public void BadRecordingsAreNamedWithAdvice()
    {
        string damaged = _folder.Write("damaged.psrec", "PSREC\r\n\0\u0001\0\0\0 and then something else");
        string missing = Path.Combine(_folder.Path, "missing");

        foreach (string bad in new[] { damaged, missing, Image("image", 1) })
        {
            string error = Tune(bad).Expect(1).Error;
            Assert.Contains($"pageshare: {bad}: ", error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void BadImagesAreNamedWithAdvice()
    {
        string good = Image("good", 1);
        string unaligned = _folder.Write("unaligned.ram", new byte[4097]);
        string missing = Path.Combine(_folder.Path, "missing");

        foreach (string bad in new[] { unaligned, missing })
        {
            Assert.Contains(
                $"pageshare: {bad}: ", Tune("--at", "0s", good, "--at", "9s", bad).Expect(1).Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.psrec --at 0s a.ram")]
    [InlineData("--at a.ram")]
    [InlineData("--at 0s")]
    [InlineData("--at 0s a.ram --at 0s b.ram")]
    [InlineData("--at 0s a.ram b.ram --at 5s a.ram")]
    [InlineData("--at 0s pid:1")]
    [InlineData("--at 0s /tmp")]
    [InlineData("a.psrec --cpu-limit 0")]
    [InlineData("a.psrec --judge b.psrec --judge-at 0s b.ram")]
    public void BadUsageIsToldWithItsOwnExitCode(string arguments)
    {
        CommandResult result = Tune(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Expect(2);

        Assert.StartsWith("pageshare: ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void InterruptEndsIt()
    {
        // A tebibyte of nothing: minutes of reading, if nobody stops it.
        string path = _folder.Write("huge.ram", "");
        using (FileStream huge = File.OpenWrite(path))
        {
            huge.SetLength(1L << 40);
        }

        using Process process = PageShareCommand.Start("tune", "--at", "0s", path);
        string? said = process.StandardError.ReadLine();
        Assert.Equal(0, Syscall.kill(process.Id, Signum.SIGINT));

        PageShareCommand.Finish(process, said!).Expect(130);
    }

    private static CommandResult Tune(params string[] arguments) => PageShareCommand.Run(["tune", .. arguments]);

    private string Image(string name, int seed) => _folder.Write($"{name}.ram", MemoryImages.Make(1500, seed));
}
