using System.Runtime.InteropServices;

namespace PageShare.Cli.Scan.Count;

/// <summary>A distinct content that is not all zero: 40 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal struct PageContent
{
    /// <summary>Upper half of the hash.</summary>
    public ulong High;

    /// <summary>Lower half of the hash.</summary>
    public ulong Low;

    /// <summary>The page's bytes 0 to 7, the first the most significant.</summary>
    public ulong HeadHigh;

    /// <summary>Bytes 8 to 15.</summary>
    public ulong HeadLow;

    /// <summary>Pages that have it.</summary>
    public uint References;

    /// <summary>The target that had it last, from 0; above these bits its kind.</summary>
    public uint TargetAndKind;

    private const int KindShift = 28;

    /// <summary>Most targets of one scan.</summary>
    public const int MostTargets = 1 << KindShift;

    /// <summary>The target that had it last.</summary>
    public readonly int LastTarget => (int)(TargetAndKind & ((1u << KindShift) - 1));

    /// <summary>What it looks like.</summary>
    public readonly ContentKind Kind => (ContentKind)(TargetAndKind >> KindShift);

    /// <summary>Its first 16 bytes.</summary>
    public readonly UInt128 Head => new(HeadHigh, HeadLow);

    /// <summary>A content that was seen for the first time.</summary>
    public static PageContent First(in PageDigest page, int target) => new()
    {
        High = page.High,
        Low = page.Low,
        HeadHigh = (ulong)(page.Head >> 64),
        HeadLow = (ulong)page.Head,
        References = 1,
        TargetAndKind = (uint)target | ((uint)page.Kind << KindShift),
    };

    /// <summary>Counts one more page with it.</summary>
    /// <returns>Whether it is the first in this target.</returns>
    public bool AddReference(int target)
    {
        References += References == uint.MaxValue ? 0u : 1;
        bool isNew = LastTarget != target;
        TargetAndKind = ((uint)Kind << KindShift) | (uint)target;
        return isNew;
    }
}
