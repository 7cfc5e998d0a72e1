namespace PageShare.Cli.Tune.Simulation;

/// <summary>One look at guests that are being scanned.</summary>
/// <param name="At">When.</param>
/// <param name="Guests">What there was.</param>
/// <param name="ScannerNanoseconds">CPU time of the scanner so far.</param>
internal readonly record struct OutcomeSample(TimeSpan At, GuestFigures Guests, long ScannerNanoseconds);

/// <summary>What settings give on a trace.</summary>
/// <param name="Options">The settings.</param>
/// <param name="Samples">What there was over time, evenly spread; the first at the start.</param>
/// <param name="Duration">How long it went on.</param>
internal sealed record Outcome(EngineOptions Options, IReadOnlyList<OutcomeSample> Samples, TimeSpan Duration)
{
    private const double Converged = 0.95;

    /// <summary>Saved less all tables, averaged over time.</summary>
    public double MeanNetBytes => Samples.Average(sample => (double)sample.Guests.NetBytes);

    /// <summary>Saved, averaged over time.</summary>
    public double MeanSavedBytes => Samples.Average(sample => (double)sample.Guests.SavedPages) * Quantity.PageBytes;

    /// <summary>What the best sharing would have saved, averaged over time.</summary>
    public double MeanBestBytes => Samples.Average(sample => (double)sample.Guests.BestPages) * Quantity.PageBytes;

    /// <summary>Scanner's CPU time, in percent of one core.</summary>
    public double ScannerCpuPercent => Percent(Samples[^1].ScannerNanoseconds);

    /// <summary>What breaks and tracking cost the guests, in percent of one core.</summary>
    public double GuestCpuPercent => Percent(Samples[^1].Guests.GuestNanoseconds);

    /// <summary>Both.</summary>
    public double CpuPercent => ScannerCpuPercent + GuestCpuPercent;

    /// <summary>Stores to shared pages, per second.</summary>
    public double BreaksPerSecond => Samples[^1].Guests.Breaks / Duration.TotalSeconds;

    /// <summary>Most memory that tables took.</summary>
    public long MetadataBytes => Samples.Max(sample => sample.Guests.MetadataBytes);

    /// <summary>Most mappings in use.</summary>
    public long Mappings => Samples.Max(sample => sample.Guests.Mappings);

    /// <summary>Seconds until 95 % of what can be saved at that time is; null if that is never reached.</summary>
    public double? ConvergeSeconds
    {
        get
        {
            foreach (OutcomeSample sample in Samples)
            {
                if (sample.Guests.BestPages > 0 && sample.Guests.SavedPages >= sample.Guests.BestPages * Converged)
                {
                    return sample.At.TotalSeconds;
                }
            }

            return null;
        }
    }

    private double Percent(double nanoseconds) => nanoseconds / Duration.TotalNanoseconds * 100;
}
