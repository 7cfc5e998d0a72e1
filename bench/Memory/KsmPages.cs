using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PageShare.Memory;

namespace PageShare.Bench.Memory;

/// <summary>Memory that the kernel's own engine, KSM, has merged: what PageShare is measured against.</summary>
/// <remarks>Needs root, and a KSM that nobody else uses: see <see cref="KsmSettings"/>.</remarks>
internal sealed unsafe class KsmPages : IDisposable
{
    /// <summary>Begins the names of benchmarks that are left out where KSM can't be used.</summary>
    public const string Prefix = "Ksm";

    /// <summary>madvise(2): KSM may merge the range.</summary>
    public const int AdviseMergeable = 12;

    private const ulong FrameMask = (1UL << 55) - 1;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly int _pages;
    private readonly KsmSettings _settings = KsmSettings.Take();
    private PageBuffer? _buffer;

    /// <param name="pages">Pages that shall share, each with another one.</param>
    public KsmPages(int pages) => _pages = pages;

    /// <summary>Whether this process may run KSM, and nobody else does.</summary>
    public static bool IsUsable => KsmSettings.WhyNot is null;

    /// <summary>First byte of the pages that share now.</summary>
    public byte* Start => _buffer!.Start;

    /// <summary>Makes fresh pairs of pages, waits until KSM has merged them all, and stops it.</summary>
    /// <exception cref="TimeoutException">It does not.</exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public void Merge(CancellationToken stop = default)
    {
        _buffer?.Dispose();
        _buffer = new PageBuffer(2 * _pages);
        var filler = new PageFiller(seed: 1);
        for (var i = 0; i < 2 * _pages; i++)
        {
            filler.Fill(_buffer.PageAt(i), (ulong)(i % _pages));
        }

        _buffer.Advise(AdviseMergeable);
        _settings.Start(KsmSettings.FlatOut);
        try
        {
            AwaitPairs(stop);
        }
        finally
        {
            _settings.Pause();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // First, so that KSM finds nothing to unmerge.
        _buffer?.Dispose();
        _settings.Dispose();
    }

    private void AwaitPairs(CancellationToken stop)
    {
        using var pagemap = File.OpenHandle("/proc/self/pagemap");
        var clock = Stopwatch.StartNew();
        for (var merged = 0; merged < _pages; merged = CountPairs(pagemap))
        {
            if (clock.Elapsed > Patience)
            {
                throw new TimeoutException($"KSM merged {merged} of {_pages} pages within {Patience}.");
            }

            stop.WaitHandle.WaitOne(5);
            stop.ThrowIfCancellationRequested();
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
}
