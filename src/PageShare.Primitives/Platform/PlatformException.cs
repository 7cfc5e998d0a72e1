using System.Globalization;
using System.Runtime.InteropServices;

namespace PageShare.Platform;

/// <summary>
/// The operating system refused what the engine needs. Keeps the operation, what it was about, and the system's own
/// code.
/// </summary>
public sealed class PlatformException : IOException
{
    /// <summary>Describes a refused operation.</summary>
    /// <param name="operation">The system's or the shim's name for it, such as "mmap".</param>
    /// <param name="subject">What it was about: a size, a range, a name.</param>
    /// <param name="errorCode">The errno, positive; 0 when there is none.</param>
    /// <param name="advice">What the user can do about it, if anything.</param>
    public PlatformException(string operation, string subject, int errorCode, string? advice = null)
        : this(operation, errorCode, Describe(operation, subject, errorCode, Marshal.GetPInvokeErrorMessage, advice))
    {
    }

    private PlatformException(string operation, int errorCode, string message)
        : base(message)
    {
        Operation = operation;
        ErrorCode = errorCode;
    }

    /// <summary>The operation that failed.</summary>
    public string Operation { get; }

    /// <summary>The system's error code (errno), positive; 0 when there is none.</summary>
    public int ErrorCode { get; }

    /// <summary>A refusal by the shim, whose errors are errnos on every system.</summary>
    internal static PlatformException OfShim(string operation, string subject, int errno) =>
        new(operation, errno, Describe(operation, subject, errno, HostPlatform.DescribeShimError, advice: null));

    private static string Describe(
        string operation, string subject, int errorCode, Func<int, string> explain, string? advice)
    {
        var reason = errorCode == 0
            ? "failed"
            : string.Create(CultureInfo.InvariantCulture, $"failed: {explain(errorCode)} (error {errorCode})");
        return $"{operation} of {subject} {reason}." + (advice is null ? "" : $" {advice}");
    }
}
