namespace PageShare.Platform;

/// <summary>A descriptor or a size that a process has handed over is not what it must be. The message may be shown to
/// that process.</summary>
internal sealed class UntrustedMemoryException(string message) : Exception(message);
