using PageShare.Cli.Scan.Targets;

namespace PageShare.Cli.Traces;

/// <summary>The images of a guest set at one time.</summary>
/// <param name="At">When, from the first.</param>
/// <param name="Images">One image of each guest, the guests always in the same order.</param>
internal sealed record ImageMoment(TimeSpan At, IReadOnlyList<string> Images);

/// <summary>Makes a trace of images that were taken of one guest set at several times.</summary>
internal static class ImageTrace
{
    /// <summary>Reads them.</summary>
    /// <param name="moments">At least one, by time.</param>
    /// <param name="threads">Threads that read.</param>
    /// <param name="progress">Is told of each moment before it is read.</param>
    /// <param name="stop">The user's wish to end.</param>
    /// <exception cref="CommandException">One can't be read; a guest set with a gap can't be tuned for.</exception>
    public static MemoryTrace Read(
        IReadOnlyList<ImageMoment> moments, int threads, Action<string> progress, CancellationToken stop)
    {
        IReadOnlyList<string> names = [.. moments[0].Images.Select(image => Path.GetFileName(image))];
        using var reader = new MomentReader(names, threads);
        var trace = new TraceBuilder(string.Join(", ", names), names);
        foreach (ImageMoment moment in moments)
        {
            progress($"reading the images of {moment.At.TotalSeconds:0.#} s");
            var seen = new SharedMemory();
            ScanTarget[] targets = [.. moment.Images.Select(image => TargetName.Resolve(image, seen))];
            try
            {
                Moment read = reader.Read(targets, moment.At - moments[0].At, load: null, stop)
                    ?? throw CommandException.Aborted("stopped before all images were read.");
                if (Array.Find(targets, target => target.Problems.Count > 0) is ScanTarget broken)
                {
                    throw CommandException.Failed($"{broken.Name}: {broken.Problems[0]}");
                }

                trace.Add(read);
            }
            finally
            {
                Array.ForEach(targets, target => target.Dispose());
            }
        }

        return trace.Build();
    }
}
