namespace PageShare.Host;

/// <summary>The host can't start; the message says why, for people.</summary>
internal sealed class HostStartException(string message, Exception? cause = null) : Exception(message, cause);
