using System.Runtime.CompilerServices;
using PageShare.Platform;

namespace PageShare.UnitTests.Protocol;

/// <summary>A fact about Unix sockets: skipped where the system is not Linux.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute(
        [CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        SkipType = typeof(KernelProbe);
        SkipUnless = nameof(KernelProbe.IsLinux);
        Skip = "needs Linux: hosts and guests in processes of their own are not there elsewhere.";
    }
}
