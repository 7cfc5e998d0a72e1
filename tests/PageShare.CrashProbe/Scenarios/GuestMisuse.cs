using System.Runtime.CompilerServices;

namespace PageShare.CrashProbe.Scenarios;

/// <summary>
/// Wrong uses of a guest's memory. Each must end as a wild write does in a program without an engine.
/// </summary>
internal static unsafe class GuestMisuse
{
    /// <summary>Right before the guest.</summary>
    public static int GuardWrite(ProbeArguments arguments)
    {
        var busy = Busy(arguments);
        OrdinaryCrashes.StoreTo(busy.Guests[0].Pointer - 1);
        return ProbeExit.Done;
    }

    /// <summary>Where the guest may grow to, but has not.</summary>
    public static int AboveSizeWrite(ProbeArguments arguments)
    {
        var busy = Busy(arguments);
        OrdinaryCrashes.StoreTo(busy.Guests[0].Pointer + busy.Guests[0].Length);
        return ProbeExit.Done;
    }

    /// <summary>
    /// To a page that the program write-protected itself, which must not look like a seal that never ends.
    /// </summary>
    public static int ProtectedWrite(ProbeArguments arguments)
    {
        var busy = BusyGuests.Start(arguments.RequiredEngine)!;
        busy.Engine.UnshareAll();
        PlainMemory.Protect(busy.Guests[0].Pointer, BusyGuests.PageBytes, PlainMemory.ProtectRead);
        OrdinaryCrashes.StoreTo(busy.Guests[0].Pointer);
        return ProbeExit.Done;
    }

    public static int FreedWrite(ProbeArguments arguments)
    {
        OrdinaryCrashes.StoreTo(Freed(Busy(arguments)));
        return ProbeExit.Done;
    }

    public static int FreedRead(ProbeArguments arguments) => *Freed(Busy(arguments));

    /// <summary>Threads store to a guest all the time while it is disposed; others store to guests that stay.</summary>
    public static int FreedUnderWriters(ProbeArguments arguments)
    {
        var busy = Busy(arguments);
        var doomed = busy.Engine.CreateGuest("doomed", BusyGuests.Pages * BusyGuests.PageBytes);
        var first = doomed.Pointer;
        var rounds = 0;
        Thread[] writers =
        [
            new(() => StoreForEver(first, ref rounds)) { IsBackground = true },
            new(() => StoreForEver(first, ref rounds)) { IsBackground = true },
        ];
        Array.ForEach(writers, static writer => writer.Start());
        SpinWait.SpinUntil(() => Volatile.Read(ref rounds) > 20);
        doomed.Dispose();

        // One of them is about to end the process.
        Array.ForEach(writers, static writer => writer.Join());
        return ProbeExit.Done;
    }

    private static BusyGuests Busy(ProbeArguments arguments) =>
        BusyGuests.Start(arguments.RequiredEngine)!.KeepWorking();

    /// <summary>An address in the middle of a guest that was shared and is disposed.</summary>
    private static byte* Freed(BusyGuests busy)
    {
        var guest = busy.Engine.CreateGuest("freed", BusyGuests.Pages * BusyGuests.PageBytes);
        var address = guest.Pointer + (BusyGuests.Pages / 2 * BusyGuests.PageBytes);
        new Span<byte>(address, BusyGuests.PageBytes).Fill(1);
        new Span<byte>(address + BusyGuests.PageBytes, BusyGuests.PageBytes).Fill(1);
        busy.Engine.ScanOnce();
        busy.Engine.ScanOnce();
        guest.Dispose();
        return address;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreForEver(byte* first, ref int rounds)
    {
        for (byte value = 0; ; value++)
        {
            for (var page = 0; page < BusyGuests.Pages; page++)
            {
                Volatile.Write(ref first[(page * BusyGuests.PageBytes) + value], value);
            }

            Interlocked.Increment(ref rounds);
        }
    }
}
