using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text.Json;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Cli;

/// <summary><c>pageshare scan</c> on this very process, which keeps pages that nobody else has.</summary>
public sealed unsafe class ScanProcessTests : IDisposable
{
    private const int PageBytes = 4096;
    private const int Pages = 700;
    private const int CommonestListed = 10;

    private readonly TemporaryFolder _folder = new();
    private readonly string _self = $"pid:{Environment.ProcessId}";
    private readonly ulong _mark = (ulong)Random.Shared.NextInt64() | 1;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void DuplicatesInAnonymousMemoryAreFound()
    {
        byte* memory = (byte*)NativeMemory.AlignedAlloc(Pages * PageBytes, PageBytes);
        try
        {
            Mark(new Span<byte>(memory, Pages * PageBytes));

            CommandResult result = PageShareCommand.Run("scan", _self, "--json").Expect(0);

            Assert.Equal(Pages, MarkedPages(result.Json.GetProperty("total")));
            AssertSaysWhatItCanNotTell(result.Json.GetProperty("targets")[0]);
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    [Fact]
    public void SharedMemoryThatIsMappedTwiceCountsOnce()
    {
        const string Folder = "/dev/shm";
        Assert.SkipUnless(Directory.Exists(Folder), $"this machine has no {Folder}");
        string path = Path.Combine(Folder, $"pageshare-test-{Environment.ProcessId}-{_mark:x}");
        using var file = new FileStream(
            path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite, PageBytes, FileOptions.DeleteOnClose);
        using var shared = MemoryMappedFile.CreateFromFile(
            file,
            null,
            Pages * PageBytes,
            MemoryMappedFileAccess.ReadWrite,
            HandleInheritability.None,
            leaveOpen: true);
        using MemoryMappedViewAccessor first = shared.CreateViewAccessor();
        using MemoryMappedViewAccessor second = shared.CreateViewAccessor();
        Mark(new Span<byte>((byte*)first.SafeMemoryMappedViewHandle.DangerousGetHandle(), Pages * PageBytes));
        for (int page = 0; page < Pages; page++)
        {
            Assert.Equal(_mark, second.ReadUInt64(page * PageBytes));
        }

        JsonElement total = PageShareCommand.Run("scan", _self, "--json").Expect(0).Json.GetProperty("total");

        Assert.Equal(Pages, MarkedPages(total));
        Assert.True(total.GetProperty("alreadySharedPages").GetInt64() >= Pages);
    }

    [Fact]
    public void ProcessThatIsNamedTwiceIsCountedOnceWhereFramesAreSeen()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs CAP_SYS_ADMIN: frame numbers are hidden without");
        byte* memory = (byte*)NativeMemory.AlignedAlloc(Pages * PageBytes, PageBytes);
        try
        {
            Mark(new Span<byte>(memory, Pages * PageBytes));

            JsonElement json = PageShareCommand.Run("scan", _self, _self, "--json").Expect(0).Json;

            Assert.Equal(Pages, MarkedPages(json.GetProperty("total")));
            Assert.True(json.GetProperty("targets")[1].GetProperty("alreadySharedPages").GetInt64() >= Pages);
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    [Fact]
    public void RealCoreDumpHoldsWhatTheProcessHeld()
    {
        const string Debugger = "/usr/bin/gdb";
        Assert.SkipUnless(File.Exists(Debugger), $"needs gdb: {Debugger} makes the core dump");
        string core = Path.Combine(_folder.Path, "core");
        using Process child = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "read line"])
        {
            RedirectStandardInput = true,
        })!;
        string log = Path.Combine(_folder.Path, "log");
        string command = $"exec {Debugger} -nx -batch -p {child.Id} -ex 'generate-core-file {core}' >{log} 2>&1";
        using Process debugger = Process.Start("/bin/sh", ["-c", command]);
        debugger.WaitForExit();
        child.StandardInput.Close();
        child.WaitForExit();
        Assert.SkipUnless(File.Exists(core), $"needs gdb: it made no core dump here: {File.ReadAllText(log)}");

        JsonElement target = PageShareCommand.Run("scan", core, "--json").Expect(0).Json.GetProperty("targets")[0];

        Assert.Equal("core dump", target.GetProperty("kind").GetString());
        Assert.InRange(target.GetProperty("pages").GetInt64(), 10, new FileInfo(core).Length / PageBytes);
        Assert.True(target.GetProperty("distinctPages").GetInt64() > 5);
    }

    /// <summary>Fills pages with one content that only this test has.</summary>
    private void Mark(Span<byte> memory)
    {
        for (int page = 0; page < memory.Length; page += PageBytes)
        {
            Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(memory.Slice(page, PageBytes));
            words.Fill(_mark);
            words[1] = 0;
        }
    }

    private long MarkedPages(JsonElement tally)
    {
        Span<ulong> words = [_mark, 0];
        string head = Convert.ToHexStringLower(MemoryMarshal.AsBytes(words));
        JsonElement contents = tally.GetProperty("commonestContents");
        Assert.True(contents.GetArrayLength() <= CommonestListed + 1);
        return contents.EnumerateArray()
            .Where(content => content.GetProperty("head").GetString() == head)
            .Sum(content => content.GetProperty("pages").GetInt64());
    }

    private static void AssertSaysWhatItCanNotTell(JsonElement target)
    {
        bool says = target.GetProperty("notes").EnumerateArray()
            .Any(note => note.GetString()!.Contains("CAP_SYS_ADMIN", StringComparison.Ordinal));
        Assert.True(says || Environment.IsPrivilegedProcess, "nobody says that frames can't be told");
    }
}
