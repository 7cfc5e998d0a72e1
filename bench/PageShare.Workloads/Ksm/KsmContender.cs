using System.Diagnostics;
using PageShare.Memory;
using PageShare.Workloads.Cow;
using PageShare.Workloads.Traces;

namespace PageShare.Workloads.Ksm;

/// <summary>KSM, with settings of its own.</summary>
internal sealed unsafe class KsmContender(
    string name,
    IReadOnlyList<(string Name, string Value)> choice,
    KsmSettings settings,
    KsmDaemon daemon,
    Action<string> progress)
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(5);

    private const int PagesAtOnce = 256;
    private const int PollMilliseconds = 5;
    private const int CurvePoints = 200;

    /// <summary>Lets it work on memory, until it has done a pass after the last goal, or the time is up.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public ContenderFigures Run(Contents contents, KsmOptions options, CancellationToken stop)
    {
        var optimum = contents.Count();
        var guests = new List<PageBuffer>();
        try
        {
            for (var guest = 0; guest < contents.Numbers.Guests; guest++)
            {
                guests.Add(Load(contents, guest, stop));
            }

            var watch = new Watch(daemon);
            settings.Start(choice);
            var shownAt = TimeSpan.Zero;
            while (watch.Elapsed < options.Limit && !watch.IsDone(ContenderFigures.Second * optimum.SavedPages))
            {
                stop.WaitHandle.WaitOne(PollMilliseconds);
                stop.ThrowIfCancellationRequested();
                watch.Look();
                if (watch.Elapsed - shownAt > ProgressInterval)
                {
                    shownAt = watch.Elapsed;
                    progress(
                        $"{contents.Name}: {name}: {shownAt.TotalSeconds:0} s, saved {watch.Curve.Last.SavedPages} of "
                        + $"{optimum.SavedPages} pages");
                }
            }

            settings.Pause();
            return new ContenderFigures
            {
                Name = name,
                Contents = contents.Name,
                Pages = optimum.Pages,
                OptimumPages = optimum.SavedPages,
                SavedPages = watch.Curve.Last.SavedPages,
                At95 = watch.Curve.Reaching(ContenderFigures.First * optimum.SavedPages),
                At99 = watch.Curve.Reaching(ContenderFigures.Second * optimum.SavedPages),
                FirstPassPagesPerCpuSecond = watch.FirstPassRate,
                LaterPassPagesPerCpuSecond = watch.LaterPassRate,
                MetadataBytesPerPage = (double)MetadataBytes(optimum.Pages) / optimum.Pages,
                Breaks = watch.Curve.Reaching(ContenderFigures.First * optimum.SavedPages) is null
                    ? null // most of the pages are not shared
                    : Break(guests, contents.PagesToBreak(options.Breaks, options.Seed)),
                Curve = watch.Curve.Thinned(CurvePoints),
                Seconds = watch.Elapsed.TotalSeconds,
            };
        }
        finally
        {
            guests.ForEach(static guest => guest.Dispose());
            settings.Forget();
        }
    }

    private static long SavedNow() => KsmSettings.Number("pages_sharing") + KsmSettings.Number("ksm_zero_pages");

    private static PageBuffer Load(Contents contents, int guest, CancellationToken stop)
    {
        var pages = contents.Trace.PagesOf(guest);
        var buffer = new PageBuffer(pages);
        buffer.Advise(KsmPages.AdviseMergeable);
        for (var first = 0; first < pages && !stop.IsCancellationRequested; first += PagesAtOnce)
        {
            // SAFETY: whole pages inside the buffer, which nobody else has yet.
            var count = Math.Min(PagesAtOnce, pages - first);
            contents.Trace.Read(
                guest, contents.Moment, first, new Span<byte>(buffer.PageAt(first), count * PageSize.Bytes));
        }

        return buffer;
    }

    /// <summary>
    /// By the kernel's own account: general_profit is what sharing saves less an item for each page that is looked at.
    /// A node for each merged page comes on top, of the same 64 bytes.
    /// </summary>
    private static long MetadataBytes(long pages)
    {
        const int nodeBytes = 64;
        var profit = KsmSettings.Number("general_profit");
        var items = profit == 0 ? pages * nodeBytes : (SavedNow() * PageSize.Bytes) - profit;
        return items + (KsmSettings.Number("pages_shared") * nodeBytes);
    }

    private static CowFigures? Break(List<PageBuffer> guests, IReadOnlyList<PageOfGuest> places)
    {
        if (places.Count == 0)
        {
            return null;
        }

        // SAFETY: the places are pages of the guests, which live until Run returns.
        var pages = new byte*[places.Count];
        var sum = 0;
        for (var i = 0; i < pages.Length; i++)
        {
            pages[i] = guests[places[i].Guest].PageAt(places[i].Page);
            sum += Volatile.Read(ref *pages[i]);
        }

        GC.KeepAlive(sum);
        return BreakingWriters.Measure(pages, writers: 1);
    }

    /// <summary>Follows KSM's own counters.</summary>
    private sealed class Watch
    {
        private readonly KsmDaemon _daemon;
        private readonly Stopwatch _clock = Stopwatch.StartNew();
        private readonly double _cpuAtStart;
        private readonly long _savedAtStart = SavedNow();
        private readonly List<(double Cpu, long Scanned)> _passes = []; // at the end of each
        private long _fullScans = KsmSettings.Number("full_scans");
        private int _passesAtGoal = -1;

        public Watch(KsmDaemon daemon)
        {
            _daemon = daemon;
            _cpuAtStart = daemon.CpuSeconds;
            _passes.Add((0, KsmSettings.Number("pages_scanned")));
        }

        public SavingCurve Curve { get; } = new();

        public TimeSpan Elapsed => _clock.Elapsed;

        public double? FirstPassRate => _passes.Count > 1 ? Rate(_passes[0], _passes[1]) : null;

        public double? LaterPassRate =>
            _passesAtGoal > 0 && _passes.Count > _passesAtGoal + 1 ? Rate(_passes[^2], _passes[^1]) : null;

        /// <summary>Whether so much was saved, and a whole pass has gone by since: one that had begun does not
        /// count.</summary>
        public bool IsDone(double goal)
        {
            if (_passesAtGoal < 0 && Curve.Last.SavedPages >= goal)
            {
                _passesAtGoal = _passes.Count;
            }

            return _passesAtGoal >= 0 && _passes.Count >= _passesAtGoal + 2;
        }

        public void Look()
        {
            var cpu = _daemon.CpuSeconds - _cpuAtStart;
            Curve.Add(_clock.Elapsed.TotalSeconds, cpu, SavedNow() - _savedAtStart);
            var scans = KsmSettings.Number("full_scans");
            if (scans != _fullScans)
            {
                _fullScans = scans;
                _passes.Add((cpu, KsmSettings.Number("pages_scanned")));
            }
        }

        private static double? Rate((double Cpu, long Scanned) from, (double Cpu, long Scanned) to) =>
            to.Cpu > from.Cpu ? (to.Scanned - from.Scanned) / (to.Cpu - from.Cpu) : null;
    }
}
