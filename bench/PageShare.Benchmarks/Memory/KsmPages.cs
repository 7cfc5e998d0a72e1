using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PageShare.Memory;

namespace PageShare.Benchmarks.Memory;

/// <summary>Memory that the kernel's own engine, KSM, has merged: what PageShare is measured against.</summary>
/// <remarks>
/// Needs root, and a KSM that nobody else uses: its settings are changed for the time of merging and put back right
/// after it, also when the process is told to end meanwhile.
/// </remarks>
internal sealed unsafe class KsmPages : IDisposable
{
    /// <summary>Begins the names of benchmarks that are left out where KSM can't be used.</summary>
    public const string Prefix = "Ksm";

    private const string Folder = "/sys/kernel/mm/ksm/";
    private const int AdviseMergeable = 12;
    private const ulong FrameMask = (1UL << 55) - 1;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // In this order; KSM must run last, and rest first when they are put back.
    private static readonly (string Name, string Value)[] FlatOut =
    [
        ("smart_scan", "0"), ("advisor_mode", "none"), ("pages_to_scan", "100000"), ("sleep_millisecs", "0"),
        ("run", "1"),
    ];

    private readonly int _pages;
    private PageBuffer? _buffer;

    /// <param name="pages">Pages that shall share, each with another one.</param>
    public KsmPages(int pages) => _pages = pages;

    /// <summary>Whether this process may run KSM, and nobody else does.</summary>
    public static bool IsUsable
    {
        get
        {
            try
            {
                if (Read("run") != "0")
                {
                    return false;
                }

                using var file = File.OpenWrite(Folder + "run");
                return true;
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    /// <summary>First byte of the pages that share now.</summary>
    public byte* Start => _buffer!.Start;

    /// <summary>Makes fresh pairs of pages and waits until KSM has merged them all.</summary>
    /// <exception cref="TimeoutException">It does not.</exception>
    public void Merge()
    {
        _buffer?.Dispose();
        _buffer = new PageBuffer(2 * _pages);
        var filler = new PageFiller(seed: 1);
        for (var i = 0; i < 2 * _pages; i++)
        {
            filler.Fill(_buffer.PageAt(i), (ulong)(i % _pages));
        }

        _buffer.Advise(AdviseMergeable);
        var before = FlatOut.Select(static setting => (setting.Name, Value: Current(setting.Name))).Reverse().ToArray();
        void PutBack() => Array.ForEach(before, static setting => Write(setting.Name, setting.Value));
        EventHandler onExit = (_, _) => PutBack();
        AppDomain.CurrentDomain.ProcessExit += onExit;
        try
        {
            Array.ForEach(FlatOut, static setting => Write(setting.Name, setting.Value));
            AwaitPairs();
        }
        finally
        {
            PutBack();
            AppDomain.CurrentDomain.ProcessExit -= onExit;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _buffer?.Dispose();

    private void AwaitPairs()
    {
        using var pagemap = File.OpenHandle("/proc/self/pagemap");
        var clock = Stopwatch.StartNew();
        for (var merged = 0; merged < _pages; merged = CountPairs(pagemap))
        {
            if (clock.Elapsed > Patience)
            {
                throw new TimeoutException($"KSM merged {merged} of {_pages} pages within {Patience}.");
            }

            Thread.Sleep(5);
        }
    }

    /// <summary>
    /// Pages that have the same physical page as their pair. KSM's own counters still count what is unmapped already.
    /// </summary>
    private int CountPairs(SafeFileHandle pagemap)
    {
        var entries = new ulong[2 * _pages];
        var first = (long)((nuint)Start / PageSize.Bytes);
        RandomAccess.Read(pagemap, MemoryMarshal.AsBytes(entries.AsSpan()), first * sizeof(ulong));
        var pairs = 0;
        for (var i = 0; i < _pages; i++)
        {
            var frame = entries[i] & FrameMask;
            pairs += frame != 0 && frame == (entries[i + _pages] & FrameMask) ? 1 : 0;
        }

        return pairs;
    }

    private static string Read(string name) => File.ReadAllText(Folder + name).Trim();

    /// <summary>A setting as it is to be written back: of a list of choices the one in brackets.</summary>
    private static string Current(string name)
    {
        var text = Read(name);
        var open = text.IndexOf('[', StringComparison.Ordinal);
        return open < 0 ? text : text[(open + 1)..text.IndexOf(']', StringComparison.Ordinal)];
    }

    /// <summary>Older kernels lack some settings; what isn't there needs no change.</summary>
    private static void Write(string name, string value)
    {
        if (File.Exists(Folder + name))
        {
            File.WriteAllText(Folder + name, value);
        }
    }
}
