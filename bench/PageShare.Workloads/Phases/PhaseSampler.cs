using System.Diagnostics;
using PageShare.Cli;
using PageShare.Memory;
using PageShare.Metrics;
using PageShare.Workloads.Guests;

namespace PageShare.Workloads.Phases;

/// <summary>Takes samples on a thread of its own, from its making until it is disposed.</summary>
internal sealed class PhaseSampler : IDisposable
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(2);

    private readonly IGuestHost _host;
    private readonly ReplayedMemory _memory;
    private readonly Action<string> _progress;
    private readonly TimeSpan _interval;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Lock _gate = new();
    private readonly List<PhaseSample> _samples = []; // guard: gate
    private readonly ManualResetEventSlim _ending = new();
    private readonly Thread _thread;
    private long _breaks;      // guard: gate
    private TimeSpan _shownAt; // guard: gate

    /// <summary>Begins.</summary>
    public PhaseSampler(IGuestHost host, ReplayedMemory memory, TimeSpan interval, Action<string> progress)
    {
        _host = host;
        _memory = memory;
        _interval = interval;
        _progress = progress;
        _thread = new Thread(Run) { IsBackground = true, Name = "sampler" };
        _thread.Start();
    }

    /// <summary>Seconds since it was made: the time of all samples.</summary>
    public double Seconds => _clock.Elapsed.TotalSeconds;

    /// <summary>Takes a sample now, on the caller's thread.</summary>
    public void Take()
    {
        lock (_gate)
        {
            Add();
        }
    }

    /// <summary>Ends sampling and gives what was sampled.</summary>
    public IReadOnlyList<PhaseSample> Finish()
    {
        _ending.Set();
        _thread.Join();
        return _samples;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Finish();
        _ending.Dispose();
    }

    private void Run()
    {
        var next = TimeSpan.Zero;
        do
        {
            Take();
            next += _interval;
        }
        while (!_ending.Wait(Max(TimeSpan.FromMilliseconds(1), next - _clock.Elapsed)));
        Take();
    }

    private void Add()
    {
        var totals = _host.Snapshot().Totals;
        var counts = _memory.Counts;
        var seconds = Seconds;
        var last = _samples.Count > 0 ? _samples[^1] : null;
        var elapsed = Math.Max(1e-3, seconds - (last?.Seconds ?? 0));
        _samples.Add(new PhaseSample
        {
            Seconds = seconds,
            Pages = counts.Pages,
            ZeroPages = counts.ZeroPages,
            OptimumPages = counts.OptimumPages,
            SavedPages = counts.Pages - (totals.ResidentBytes / PageSize.Bytes), // each page was written
            WithoutRescansPages = counts.UntouchedPages,
            PagesWritten = counts.PagesWritten,
            BreaksPerSecond = (PagesBroken(totals) - _breaks) / elapsed,
            ScannerCpuPercent = 100 * (totals.ScanCpuSeconds - (last?.ScannerCpuSeconds ?? 0)) / elapsed,
            ScannerCpuSeconds = totals.ScanCpuSeconds,
            FullScans = totals.FullScans,
            MappingsUsed = totals.MappingsUsed,
        });
        _breaks = PagesBroken(totals);
        Show(_samples[^1]);
    }

    private static long PagesBroken(CounterSet totals) => totals.CowFaults + totals.PagesBrokenAhead;

    private void Show(PhaseSample sample)
    {
        if (_clock.Elapsed - _shownAt < ProgressInterval)
        {
            return;
        }

        _shownAt = _clock.Elapsed;
        _progress(
            $"{sample.Seconds,5:0} s: saved {sample.SavingPercent:0.0} % of {sample.OptimumPercent:0.0} % "
            + $"(without rescans {sample.WithoutRescansPercent ?? sample.SavingPercent:0.0} %), "
            + $"{Quantity.Count(sample.PagesWritten)} pages written, "
            + $"{Quantity.Count(sample.BreaksPerSecond)} breaks/s, "
            + $"scanner {sample.ScannerCpuPercent:0} % of a core, {sample.FullScans} passes");
    }

    private static TimeSpan Max(TimeSpan left, TimeSpan right) => left > right ? left : right;
}
