using System.Runtime.InteropServices;

namespace PageShare.Platform;

/// <summary>A range of address space that is unmapped when it is disposed.</summary>
/// <remarks>Thread-safe to hold; who uses <see cref="Address"/> must know that the range outlives the use.</remarks>
internal abstract unsafe class MappedMemory() : SafeHandle(-1, ownsHandle: true)
{
    /// <inheritdoc/>
    public override bool IsInvalid => handle == -1;

    /// <summary>First byte, page-aligned.</summary>
    // SAFETY: only the address; whoever follows it says why the range is still mapped.
    public byte* Address => (byte*)handle;

    /// <summary>Bytes in the range.</summary>
    public long Length { get; protected init; }
}
