namespace PageShare.CrashProbe.Scenarios;

/// <summary>Guests that go while threads store to them, in a process that lives on.</summary>
internal static unsafe class FreedGuests
{
    /// <summary>
    /// Native threads store to a guest that is disposed. Each must be refused by an ordinary fault, which a handler
    /// that was there before the engine takes; and the guests that stay keep every byte.
    /// </summary>
    public static int UnderNativeWriters(ProbeArguments arguments)
    {
        const int Pages = 32;
        Foreign.Load(arguments);
        ProbeFailedException.ThrowIf(Foreign.Install() != 0, "The handler cannot be installed.");
        using var busy = BusyGuests.Start(arguments.RequiredEngine)!;
        var rounds = arguments.Number("rounds", 8);
        for (var round = 0; round < rounds; round++)
        {
            busy.KeepWorking();
            var doomed = busy.Engine.CreateGuest($"doomed-{round}", Pages * BusyGuests.PageBytes);
            nint[] writers = [Foreign.StartWriter(doomed.Pointer, Pages), Foreign.StartWriter(doomed.Pointer, Pages)];
            SpinWait.SpinUntil(() => writers.All(writer => Foreign.Stores(writer) > (ulong)(100 * (round % 10))));
            doomed.Dispose();
            Array.ForEach(writers, Foreign.Join);
            busy.Stop();
            busy.Check();
        }

        Console.WriteLine($"freed {rounds} guests");
        return ProbeExit.Done;
    }
}
