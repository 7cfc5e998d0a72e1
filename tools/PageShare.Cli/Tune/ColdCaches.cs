using System.Runtime.CompilerServices;

namespace PageShare.Cli.Tune;

/// <summary>
/// Takes the processor's caches away, as guests and everybody else do between two passes of a scanner that sleeps most of
/// the time. Right after another pass, a pass of real guests takes a third less.
/// </summary>
internal sealed class ColdCaches
{
    private const int LineBytes = 64;

    // Larger than the last-level cache that one program gets to itself on most machines.
    private readonly byte[] _others = new byte[64 << 20];

    /// <summary>Takes them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Take()
    {
        for (int i = 0; i < _others.Length; i += LineBytes)
        {
            _others[i]++;
        }
    }
}
