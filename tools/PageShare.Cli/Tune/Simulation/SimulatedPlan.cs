using PageShare.Memory;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>What a stretch of pages is to become. Reused from stretch to stretch.</summary>
internal sealed class SimulatedPlan
{
    /// <summary>The page is left alone.</summary>
    public const uint None = uint.MaxValue;

    /// <summary>The page becomes a hole.</summary>
    public const uint Zero = uint.MaxValue - 1;

    /// <summary>For each page a frame, or one of the above.</summary>
    public uint[] Targets { get; } = new uint[SimulatedRegion.StretchPages];

    /// <summary>Frames in creation.</summary>
    public List<FrameNumber> NewFrames { get; } = [];

    /// <summary>Pages elsewhere that shall share new frames, by their ids.</summary>
    public List<(uint Page, FrameNumber Frame)> Partners { get; } = [];

    /// <summary>Whether a new frame may have one user.</summary>
    public bool HasBridges { get; set; }

    /// <summary>Counts the plans.</summary>
    public long Number { get; private set; }

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        Number++;
        Array.Fill(Targets, None);
        NewFrames.Clear();
        Partners.Clear();
    }
}
