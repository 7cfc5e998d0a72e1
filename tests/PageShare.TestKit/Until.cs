using System.Diagnostics;

namespace PageShare.TestKit;

/// <summary>Waits for a condition by looking at it, and fails when it does not come true.</summary>
public static class Until
{
    // Only a test that fails waits this long.
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    /// <summary>Returns once the condition holds.</summary>
    /// <param name="condition">Looked at again and again, with the processor offered to others in between.</param>
    /// <param name="what">What is waited for, as a sentence, for the message.</param>
    /// <exception cref="TimeoutException">It does not.</exception>
    public static void True(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        var spin = default(SpinWait);
        while (!condition())
        {
            if (clock.Elapsed > Deadline)
            {
                throw new TimeoutException($"It does not come true that {what}.");
            }

            spin.SpinOnce(sleep1Threshold: -1);
        }
    }
}
