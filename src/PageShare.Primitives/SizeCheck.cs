using PageShare.Memory;

namespace PageShare;

/// <summary>What a size must be, said in one place.</summary>
internal static class SizeCheck
{
    /// <exception cref="ArgumentOutOfRangeException">The size is not a positive multiple of 4096 bytes.</exception>
    public static void RequirePages(long bytes, string parameter)
    {
        if (bytes <= 0 || !PageSize.IsAligned(bytes))
        {
            throw new ArgumentOutOfRangeException(parameter, bytes,
                $"The size must be a positive multiple of the page size, {PageSize.Bytes} bytes.");
        }
    }

    /// <exception cref="ArgumentOutOfRangeException">The machine has less memory and swap space.</exception>
    public static void RequireWithinMachine(long bytes, long machineBytes, string parameter)
    {
        if (bytes > machineBytes)
        {
            throw new ArgumentOutOfRangeException(parameter, bytes,
                $"The machine has {machineBytes} bytes of memory and swap space; no guest can use more.");
        }
    }
}
