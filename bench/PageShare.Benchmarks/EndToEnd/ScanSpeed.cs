using System.Diagnostics;
using System.Globalization;
using PageShare.Cli.Scan;
using PageShare.Content;
using PageShare.Memory;

namespace PageShare.Benchmarks.EndToEnd;

/// <summary>
/// What <c>scan</c> does: <c>pageshare scan</c> on images, beside reading and hashing the same files by as many threads
/// and doing nothing else with them. In turns, so that both meet the same neighbours.
/// </summary>
internal static class ScanSpeed
{
    private const int Success = 0;
    private const int Failure = 1;
    private const int BadUsage = 2;
    private const int WarmUps = 5;
    private const int Rounds = 7;
    private const double Demanded = 0.70;
    private const long PieceBytes = 64 * PageSize.Bytes;

    /// <summary>Runs it on the files named.</summary>
    /// <returns>The exit code: 0 if the scan was fast enough.</returns>
    public static int Run(string[] arguments)
    {
        if (arguments.Length == 0 || !Array.TrueForAll(arguments, File.Exists))
        {
            Console.Error.WriteLine("scan: name memory images, such as those of tools/make-images.");
            return BadUsage;
        }

        var threads = Environment.ProcessorCount;
        var pages = arguments.Sum(static path => new FileInfo(path).Length / PageSize.Bytes);
        Action plain = () => ReadAndHash(arguments, threads);
        Action scan = () => ScanSession.Run(
            new ScanOptions { Targets = arguments, Threads = threads }, CancellationToken.None);
        Console.WriteLine($"{pages * PageSize.Bytes >> 20} MiB in {arguments.Length} files, {threads} threads, median of {Rounds}");
        for (var round = 0; round < WarmUps; round++)
        {
            // Files into the page cache, and code through tiered compilation.
            plain();
            scan();
        }

        (List<Cost> plains, List<Cost> scans) = ([], []);
        for (var round = 0; round < Rounds; round++)
        {
            plains.Add(Measure(plain));
            scans.Add(Measure(scan));
        }

        // Ratios of one round, since what the neighbours take changes from one to the next.
        var speed = Median(plains.Zip(scans, static (one, other) => one.Seconds / other.Seconds));
        var cpu = Median(plains.Zip(scans, static (one, other) => one.CpuSeconds / other.CpuSeconds));
        Write("read and hash", pages, plains);
        Write("pageshare scan", pages, scans);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"scan's speed: {speed:P0} by the clock, {cpu:P0} by CPU time; demanded {Demanded:P0}"));
        return Math.Max(speed, cpu) >= Demanded ? Success : Failure;
    }

    private static void ReadAndHash(string[] paths, int threads)
    {
        var hasher = new XxHash3PageHasher(seed: 1);
        var next = -1L;
        (string Path, long Offset)[] pieces =
        [
            .. paths.SelectMany(static path => Enumerable
                .Range(0, (int)((new FileInfo(path).Length + PieceBytes - 1) / PieceBytes))
                .Select(i => (path, i * PieceBytes))),
        ];
        var files = paths.ToDictionary(static path => path, static path => File.OpenHandle(path));
        Thread[] workers =
        [
            .. Enumerable.Range(0, threads).Select(number => new Thread(() =>
            {
                var buffer = GC.AllocateUninitializedArray<byte>((int)PieceBytes, pinned: true);
                for (long i; (i = Interlocked.Increment(ref next)) < pieces.Length;)
                {
                    var read = RandomAccess.Read(files[pieces[i].Path], buffer, pieces[i].Offset);
                    for (var page = 0; page + PageSize.Bytes <= read; page += PageSize.Bytes)
                    {
                        _ = hasher.Hash(buffer.AsSpan(page, PageSize.Bytes));
                    }
                }
            })),
        ];
        Array.ForEach(workers, static worker => worker.Start());
        Array.ForEach(workers, static worker => worker.Join());
        foreach (var file in files.Values)
        {
            file.Dispose();
        }
    }

    private static Cost Measure(Action action)
    {
        GC.Collect();
        var cpu = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        action();
        return new Cost(clock.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
    }

    private static void Write(string name, long pages, IReadOnlyList<Cost> costs)
    {
        var seconds = Median(costs.Select(static cost => cost.Seconds));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-15} {pages * PageSize.Bytes / seconds / (1 << 30),6:0.00} GiB/s  {Median(costs.Select(static cost => cost.CpuSeconds)) / pages * 1e9,6:0} ns of CPU a page"));
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);

    private readonly record struct Cost(double Seconds, double CpuSeconds);
}
