using PageShare.Cli.Tune.Simulation;

namespace PageShare.Cli.Tune;

/// <summary>
/// What each of the scanner's tasks takes, from passes of which it is known how often they did each and what they took
/// in all: the prices, none below zero, that are nearest to all passes in proportion (least squares by coordinate
/// descent: Franc, Hlavac, Navara, "Sequential coordinate-wise algorithm for the non-negative least squares problem",
/// CAIP 2005).
/// </summary>
internal static class PriceFit
{
    private const int Sweeps = 5_000;

    // A pass this cheap is measured no better than a dearer one: the clock's own reading is part of it.
    private const double LeastNanoseconds = 20_000;

    /// <summary>Finds the prices, in nanoseconds by task.</summary>
    public static double[] Find(IReadOnlyList<ScanSample> passes)
    {
        int tasks = ScanWork.Tasks;
        var products = new double[tasks, tasks];
        var wanted = new double[tasks];
        foreach (ScanSample pass in passes)
        {
            double weight = 1 / Math.Pow(Math.Max(pass.Nanoseconds, LeastNanoseconds), 2);
            for (int i = 0; i < tasks; i++)
            {
                wanted[i] += weight * pass.Counts[i] * pass.Nanoseconds;
                for (int k = 0; k < tasks; k++)
                {
                    products[i, k] += weight * pass.Counts[i] * pass.Counts[k];
                }
            }
        }

        var prices = new double[tasks];
        for (int sweep = 0; sweep < Sweeps; sweep++)
        {
            for (int i = 0; i < tasks; i++)
            {
                double rest = wanted[i];
                for (int k = 0; k < tasks; k++)
                {
                    rest -= k == i ? 0 : products[i, k] * prices[k];
                }

                prices[i] = products[i, i] > 0 ? Math.Max(0, rest / products[i, i]) : 0;
            }
        }

        return prices;
    }
}
