using System.Runtime.CompilerServices;

namespace PageShare.CrashProbe.Scenarios;

/// <summary>
/// What any program may do wrong, with guests at work or, to compare with, without an engine. What a run prints and how
/// it ends must not tell which.
/// </summary>
internal static unsafe class OrdinaryCrashes
{
    /// <summary>
    /// Several threads catch NullReferenceExceptions, which are faults too, in between stores to shared pages.
    /// </summary>
    public static int CaughtNulls(ProbeArguments arguments)
    {
        using var busy = BusyGuests.Start(arguments.Engine)?.KeepWorking();
        var count = arguments.Number("count", 2000);
        var caught = 0;
        var threads = Enumerable.Range(0, arguments.Number("threads", 3)).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < count; i++)
            {
                Interlocked.Add(ref caught, CatchOne(i));
            }
        })).ToArray();
        Array.ForEach(threads, static thread => thread.Start());
        Array.ForEach(threads, static thread => thread.Join());
        busy?.Stop();
        busy?.Check();
        Console.WriteLine($"caught {caught} of {threads.Length * count}");
        return ProbeExit.Done;
    }

    public static int UnhandledNull(ProbeArguments arguments)
    {
        BusyGuests.Start(arguments.Engine)?.KeepWorking();
        return LoadFrom(null);
    }

    public static int UnhandledException(ProbeArguments arguments)
    {
        BusyGuests.Start(arguments.Engine)?.KeepWorking();
        throw new InvalidOperationException("nobody handles this");
    }

    /// <summary>To memory that is not mapped: SEGV_MAPERR.</summary>
    public static int WildWrite(ProbeArguments arguments)
    {
        BusyGuests.Start(arguments.Engine)?.KeepWorking();
        StoreTo(UnmappedAddress());
        return ProbeExit.Done;
    }

    public static int WildRead(ProbeArguments arguments)
    {
        BusyGuests.Start(arguments.Engine)?.KeepWorking();
        return *UnmappedAddress();
    }

    /// <summary>In native code the runtime has no exception to make of it.</summary>
    public static int WildNativeWrite(ProbeArguments arguments)
    {
        BusyGuests.Start(arguments.Engine)?.KeepWorking();
        PlainMemory.Fill(UnmappedAddress(), 1, 1);
        return ProbeExit.Done;
    }

    /// <summary>
    /// To the program's own read-only memory: SEGV_ACCERR and a store, like a fault on a shared page.
    /// </summary>
    public static int ReadOnlyWrite(ProbeArguments arguments)
    {
        BusyGuests.Start(arguments.Engine)?.KeepWorking();
        StoreTo(PlainMemory.Map(BusyGuests.PageBytes, PlainMemory.ProtectRead));
        return ProbeExit.Done;
    }

    public static int StackOverflow(ProbeArguments arguments)
    {
        BusyGuests.Start(arguments.Engine)?.KeepWorking();
        return Recurse(1);
    }

    public static int StackOverflowInThread(ProbeArguments arguments)
    {
        BusyGuests.Start(arguments.Engine)?.KeepWorking();
        var thread = new Thread(static () => Recurse(1), maxStackSize: 256 * 1024);
        thread.Start();
        thread.Join();
        return ProbeExit.Done;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void StoreTo(byte* address) => *address = 1;

    /// <summary>
    /// Loads, stores and calls by a null reference in turn: faults on different instructions and addresses.
    /// </summary>
    private static int CatchOne(int turn)
    {
        try
        {
            return (turn % 3) switch
            {
                0 => LoadFrom(null),
                1 => StoreInto(null, turn),
                _ => Call(null),
            };
        }
        catch (NullReferenceException)
        {
            return 1;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int LoadFrom(int[]? array) => array![0];

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int StoreInto(StrongBox<int>? box, int value) => box!.Value = value;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Call(object? nothing) => nothing!.GetHashCode();

    /// <summary>
    /// Was mapped and is not any more; nothing else gets there, since it lies between two pages that stay.
    /// </summary>
    private static byte* UnmappedAddress()
    {
        var pages = PlainMemory.Map(3 * BusyGuests.PageBytes, PlainMemory.ProtectNone);
        PlainMemory.Unmap(pages + BusyGuests.PageBytes, BusyGuests.PageBytes);
        return pages + BusyGuests.PageBytes;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Recurse(int depth)
    {
        var frame = stackalloc int[64];
        frame[depth % 64] = depth;
        return Recurse(depth + 1) + frame[depth % 64];
    }
}
