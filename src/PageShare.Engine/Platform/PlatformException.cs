using System.Globalization;
using System.Runtime.InteropServices;

namespace PageShare.Platform;

/// <summary>
/// The operating system refused what the engine needs. Keeps the operation, what it was about, and the system's own code.
/// </summary>
public sealed class PlatformException : IOException
{
    /// <summary>Describes a refused operation.</summary>
    /// <param name="operation">The system's or the shim's name for it, such as "mmap".</param>
    /// <param name="subject">What it was about: a size, a range, a name.</param>
    /// <param name="errorCode">The errno, positive; 0 when there is none.</param>
    /// <param name="advice">What the user can do about it, if anything.</param>
    public PlatformException(string operation, string subject, int errorCode, string? advice = null)
        : base(Describe(operation, subject, errorCode, advice))
    {
        Operation = operation;
        ErrorCode = errorCode;
    }

    /// <summary>The operation that failed.</summary>
    public string Operation { get; }

    /// <summary>The system's error code (errno), positive; 0 when there is none.</summary>
    public int ErrorCode { get; }

    private static string Describe(string operation, string subject, int errorCode, string? advice)
    {
        var reason = errorCode == 0
            ? "failed"
            : string.Create(CultureInfo.InvariantCulture, $"failed: {Marshal.GetPInvokeErrorMessage(errorCode)} (errno {errorCode})");
        return $"{operation} of {subject} {reason}." + (advice is null ? "" : $" {advice}");
    }
}
