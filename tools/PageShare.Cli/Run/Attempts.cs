namespace PageShare.Cli.Run;

/// <summary>Says what we were about to do when the engine or the system refused.</summary>
internal static class Attempts
{
    /// <summary>Does it.</summary>
    /// <param name="failure">What to say if it fails: half a sentence.</param>
    /// <param name="action">What to do.</param>
    /// <exception cref="CommandException">It failed for a reason outside this program.</exception>
    public static T Try<T>(string failure, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception refused) when (
            refused is IOException or InvalidOperationException or ArgumentException or NotSupportedException
                or OutOfMemoryException or TypeInitializationException or UnauthorizedAccessException)
        {
            // The native library is loaded by a type initializer, whose own message says nothing.
            string reason = (refused as TypeInitializationException)?.InnerException?.Message ?? refused.Message;
            throw CommandException.Failed($"{failure}: {reason} 'pageshare doctor' says what this machine lacks.", refused);
        }
    }
}
