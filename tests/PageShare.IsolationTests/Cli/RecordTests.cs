using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Mono.Unix.Native;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Cli;

/// <summary><c>pageshare record</c> as users run it, on this process and on files.</summary>
public sealed unsafe class RecordTests : IDisposable
{
    private const int PageBytes = 4096;
    private const int Pages = 600;

    private readonly TemporaryFolder _folder = new();
    private readonly string _self = $"pid:{Environment.ProcessId}";

    private string Output => Path.Combine(_folder.Path, "out.psrec");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ChangesOfARunningProcessAreSeen()
    {
        // As a guest would: memory that this test writes between two moments.
        byte* memory = (byte*)NativeMemory.AlignedAlloc(Pages * PageBytes, PageBytes);
        try
        {
            Fill(memory, 1);
            using Process process = PageShareCommand.Start(
                "record", "--interval", "200ms", "--out", Output, "--json", _self);
            string said = ReadMoment(process) + ReadMoment(process);
            Fill(memory, 2);
            said += ReadMoment(process) + ReadMoment(process);
            Assert.Equal(0, Syscall.kill(process.Id, Signum.SIGINT));
            JsonElement json = PageShareCommand.Finish(process, said).Expect(0).Json;

            JsonElement[] moments = [.. json.GetProperty("moments").EnumerateArray()];
            Assert.True(moments.Length >= 4);
            Assert.All(moments, moment => Assert.True(moment.GetProperty("pages").GetInt64() >= Pages));
            Assert.Contains(moments[1..], moment => moment.GetProperty("changedPages").GetInt64() >= Pages);
            Assert.Equal(new FileInfo(Output).Length, json.GetProperty("bytes").GetInt64());
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    [Fact]
    public void NothingOfWhatPagesHoldIsInTheFile()
    {
        const string Secret = "a sentence that nobody else may ever read";
        string image = Image();
        byte[] bytes = File.ReadAllBytes(image);
        System.Text.Encoding.ASCII.GetBytes(Secret).CopyTo(bytes.AsSpan());
        File.WriteAllBytes(image, bytes);

        PageShareCommand.Run("record", "--interval", "50ms", "--duration", "100ms", "--out", Output, image).Expect(0);

        string recorded = System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(Output));
        Assert.DoesNotContain(Secret[..8], recorded, StringComparison.Ordinal);
        Assert.True(recorded.Length < bytes.Length / 100);
    }

    [Fact]
    public void ProcessThatEndsIsNamedAndTheOthersGoOn()
    {
        using Process child = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "read line"])
        {
            RedirectStandardInput = true,
        })!;
        string image = Image();
        using Process process = PageShareCommand.Start(
            "record", "--interval", "100ms", "--out", Output, "--json", $"pid:{child.Id}", image);
        string said = ReadMoment(process);
        child.StandardInput.Close();
        child.WaitForExit();

        // One may have been under way, the next finds it gone, and the one after is without it.
        said += ReadMoment(process) + ReadMoment(process) + ReadMoment(process);
        Assert.Equal(0, Syscall.kill(process.Id, Signum.SIGINT));
        CommandResult result = PageShareCommand.Finish(process, said).Expect(1);

        Assert.Contains($"pageshare: pid:{child.Id}: ", result.Error, StringComparison.Ordinal);
        JsonElement[] moments = [.. result.Json.GetProperty("moments").EnumerateArray()];
        Assert.Equal(100, moments[^1].GetProperty("pages").GetInt64());
        Assert.Equal(1, result.Json.GetProperty("problems").GetArrayLength());
    }

    [Fact]
    public void NobodyToRecordGivesNoFile()
    {
        CommandResult result = Record("pid:4194305").Expect(1);

        Assert.Contains("pid:4194305", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Output));
    }

    [Theory]
    [InlineData("")]
    [InlineData("pid:none")]
    [InlineData("/tmp")]
    [InlineData("--interval 0s pid:1")]
    [InlineData("--interval 10s --duration 1s pid:1")]
    [InlineData("--no-such-option pid:1")]
    public void BadUsageIsToldWithItsOwnExitCode(string arguments)
    {
        CommandResult result = Record(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Expect(2);

        Assert.StartsWith("pageshare: ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Output));
    }

    [Fact]
    public void NeitherATargetNorAnotherFileIsWrittenOver()
    {
        string image = Image();
        byte[] before = File.ReadAllBytes(image);

        PageShareCommand.Run("record", "--out", image, image).Expect(2);
        PageShareCommand.Run("record", "--out", image, _self).Expect(2);

        Assert.Equal(before, File.ReadAllBytes(image));
    }

    private static string ReadMoment(Process process)
    {
        string? line = process.StandardError.ReadLine();
        Assert.NotNull(line);
        return line + "\n";
    }

    private static void Fill(byte* memory, int number)
    {
        for (int page = 0; page < Pages; page++)
        {
            new Span<byte>(memory + (page * PageBytes), PageBytes).Fill((byte)number);
            *(long*)(memory + (page * PageBytes)) = ((long)number << 32) + page;
        }
    }

    private string Image() => _folder.Write("vm.ram", MemoryImages.Make(100, seed: 3));

    private CommandResult Record(params string[] arguments) =>
        PageShareCommand.Run(["record", "--out", Output, .. arguments]);
}
