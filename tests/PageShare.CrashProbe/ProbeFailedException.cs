namespace PageShare.CrashProbe;

/// <summary>Something is not as it should be: the scenario ends with <see cref="ProbeExit.Failed"/>.</summary>
internal sealed class ProbeFailedException(string message) : Exception(message)
{
    public static void ThrowIf(bool isWrong, string message)
    {
        if (isWrong)
        {
            throw new ProbeFailedException(message);
        }
    }
}
