namespace PageShare.TestKit.Points;

/// <summary>System calls that a test may make fail: ps_call of pageshare_test.h.</summary>
public enum TestCall
{
    /// <summary>mprotect to read-only.</summary>
    Seal = 0,

    /// <summary>mprotect to writable.</summary>
    Unseal = 1,

    /// <summary>mmap of the frame store.</summary>
    MapFrames = 2,

    /// <summary>mmap of the backing.</summary>
    MapIdentity = 3,

    /// <summary>pwrite into the backing.</summary>
    CopyHome = 4,

    /// <summary>fallocate that punches a hole.</summary>
    Punch = 5,

    /// <summary>madvise that drops a copy of the kernel's.</summary>
    Drop = 6,

    /// <summary>Registering pages for write tracking.</summary>
    Track = 7,
}
