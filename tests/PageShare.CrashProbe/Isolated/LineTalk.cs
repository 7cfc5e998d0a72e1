namespace PageShare.CrashProbe.Isolated;

/// <summary>A scenario that does what standard input says: a line in, and one line out, <c>ok …</c> or
/// <c>failed …</c>.</summary>
internal static class LineTalk
{
    /// <summary>Says that it is ready, and serves until the input ends.</summary>
    public static void Serve(Func<string[], string> act)
    {
        Say("ok ready");
        Answer(act);
    }

    /// <summary>Serves until the input ends.</summary>
    public static void Answer(Func<string[], string> act)
    {
        while (Console.In.ReadLine() is { } line)
        {
            try
            {
                Say($"ok {act(line.Split(' '))}".TrimEnd());
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                Say($"failed {failure.GetType().Name}: {failure.Message.ReplaceLineEndings(" ")}");
            }
        }
    }

    private static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }
}
