using Mono.Unix.Native;

namespace PageShare.Platform.Linux;

/// <summary>What .NET does not tell of this process.</summary>
internal static class OwnProcess
{
    /// <summary>The user that it acts as.</summary>
    public static uint User => Syscall.geteuid();
}
