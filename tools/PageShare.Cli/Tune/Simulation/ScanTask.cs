namespace PageShare.Cli.Tune.Simulation;

/// <summary>What a scanner's steps consist of: the simulation counts these, and measured prices tell what they
/// take.</summary>
internal enum ScanTask
{
    /// <summary>A step: the lock and the time taken, of one stretch or of several in which there is little to do.</summary>
    Step,

    /// <summary>Going past a page of a stretch in which nothing happened; the kernel's marks are walked over too.</summary>
    PassOver,

    /// <summary>A mapping that the kernel walks over to tell which pages were written.</summary>
    Walk,

    /// <summary>A stretch in which some page is looked at.</summary>
    Stretch,

    /// <summary>What such a stretch takes more if pages of it share frames.</summary>
    SharedStretch,

    /// <summary>A page that has no memory of its own, when the kernel is asked which pages of a stretch have.</summary>
    Residency,

    /// <summary>A page at which there turns out to be nothing to look at: it shares, is a hole, or is left alone.</summary>
    Glance,

    /// <summary>A page of which the hash is known, and its content searched for.</summary>
    Look,

    /// <summary>Hashing a page for the first time, and searching for it; the kernel's mark of the page with it.</summary>
    FirstHash,

    /// <summary>The same again, after a store.</summary>
    Rehash,

    /// <summary>Copying a page into a new frame.</summary>
    Fill,

    /// <summary>An order to merge pages of a stretch.</summary>
    Order,

    /// <summary>Neighbouring pages that are sealed together, and their memory freed.</summary>
    Seal,

    /// <summary>A page that is compared with a frame and comes to share it.</summary>
    Merge,

    /// <summary>A run of such pages, which takes a mapping.</summary>
    MergeRun,

    /// <summary>A zero page that is freed.</summary>
    Zero,

    /// <summary>A run of such pages.</summary>
    ZeroRun,

    /// <summary>A run of pages that the scanner gives memory of their own again.</summary>
    Unshare,

    /// <summary>A page of such a run.</summary>
    UnsharePage,

    /// <summary>A shared page that was broken meanwhile; in mode Kernel its copy is brought home.</summary>
    Settle,

    /// <summary>Mode Kernel: a mapping that the kernel walks over to tell which pages it has copied.</summary>
    CopyWalk,

    /// <summary>Mode Kernel: a stretch of which it is asked that.</summary>
    CopyQuery,
}
