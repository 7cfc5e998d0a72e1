using PageShare.Platform;

namespace PageShare.TestKit;

/// <summary>Starts engines on clocks that tests control.</summary>
public static class EngineOnOtherClock
{
    /// <summary>As <see cref="PageShareEngine.Start(EngineOptions)"/>, but for the clock.</summary>
    /// <param name="options">The engine's settings.</param>
    /// <param name="time">The clock of its pacing.</param>
    public static PageShareEngine Start(EngineOptions options, TimeProvider time) =>
        PageShareEngine.Start(options, HostPlatform.Create(), hasher: null, time);
}
