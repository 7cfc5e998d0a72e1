namespace PageShare.CrashProbe;

/// <summary>Exit codes of scenarios that end by themselves. Crashes end with 128 and the signal's number.</summary>
internal static class ProbeExit
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;
}
