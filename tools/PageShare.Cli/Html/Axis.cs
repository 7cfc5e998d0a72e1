namespace PageShare.Cli.Html;

/// <summary>A scale from zero, with round numbers marked on it.</summary>
internal sealed class Axis
{
    private static readonly double[] Steps = [1, 2, 5];

    private readonly double _step;

    /// <param name="most">Largest value to be shown.</param>
    /// <param name="marks">About how many marks.</param>
    /// <param name="least">Smallest value to be shown; zero is shown in any case.</param>
    /// <param name="unit">What a round number is a round number of.</param>
    public Axis(double most, int marks, double least = 0, double unit = 1)
    {
        least = Math.Min(0, least);
        most = most > least ? most : least + (unit * marks);
        double wanted = (most - least) / unit / marks;
        double power = Math.Pow(10, Math.Floor(Math.Log10(wanted)));
        double step = Steps.Append(10).First(candidate => candidate * power >= wanted * 0.999999) * power;
        _step = step * unit;
        Most = Math.Max(1, Math.Ceiling((most / _step) - 1e-9)) * _step;
        Least = Math.Floor((least / _step) + 1e-9) * _step;
    }

    /// <summary>Where it ends.</summary>
    public double Most { get; }

    /// <summary>Where it begins.</summary>
    public double Least { get; }

    /// <summary>The marks.</summary>
    public IEnumerable<double> Marks
    {
        get
        {
            int count = (int)Math.Round((Most - Least) / _step);
            return Enumerable.Range(0, count + 1).Select(i => Least + (i * _step));
        }
    }

    /// <summary>Where a value lies, from 0 to 1.</summary>
    public double Place(double value) => (value - Least) / (Most - Least);

    /// <summary>A unit of bytes that makes numbers readable.</summary>
    public static double ByteUnit(double most)
    {
        double unit = 1;
        while (most / unit >= 1024)
        {
            unit *= 1024;
        }

        return unit;
    }
}
