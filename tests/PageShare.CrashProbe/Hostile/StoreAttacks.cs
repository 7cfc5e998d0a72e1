using System.Globalization;
using System.Runtime.InteropServices;
using PageShare.TestKit;

namespace PageShare.CrashProbe.Hostile;

/// <summary>
/// Every way that we know of to change what a frame store holds, with nothing but what a host gives a guest. A way is
/// tried whatever the kernel is expected to say, and then the store is looked at: that alone decides.
/// </summary>
internal sealed unsafe class StoreAttacks
{
    private const int OpenReadWrite = 2;
    private const int AddSeals = 1033;
    private const int SetFlags = 4;
    private const int AdviseRemove = 9;
    private const int AdvisePopulateWrite = 23;
    private const int AdviseDontNeed = 4;
    private const int PunchHole = 3; // with KEEP_SIZE
    private const int ZeroRange = 16;
    private const int CollapseRange = 8;
    private const int PidfdOpen = 434;
    private const int PidfdGet = 438;
    private const int TraceSeize = 0x4206;
    private const int ForeignOpenFlags = 0x80000; // O_CLOEXEC

    private readonly RawGuest _guest;
    private readonly int _store;
    private readonly int _host;
    private readonly byte* _view;
    private readonly byte* _payload;
    private readonly int _full; // frames that can be looked at
    private readonly List<string> _done = [];
    private readonly List<string> _refused = [];
    private byte[] _before;

    // SAFETY: views are of whole objects and never unmapped; the payload is a page. What an attack is let to write is
    // what this is to find out.

    private StoreAttacks(RawGuest guest, int host)
    {
        _guest = guest;
        _host = host;
        _store = Kernel.Number(guest.Store);
        _view = Kernel.Map(guest.Store, guest.Answer.StoreBytes, PlainMemory.ProtectRead);
        _payload = PlainMemory.Map(PageContent.Bytes);
        new Span<byte>(_payload, PageContent.Bytes).Fill(0x66);
        _full = (int)Math.Min(64, RandomAccess.GetLength(guest.Store) / PageContent.Bytes);
        ProbeFailedException.ThrowIf(_full == 0, "The store has no frame to attack.");
        _before = Look();
    }

    /// <summary>Tries all.</summary>
    /// <returns>The ways that changed the store, and those that the kernel refused.</returns>
    public static string TryAll(RawGuest guest, int host)
    {
        var attacks = new StoreAttacks(guest, host);
        attacks.TryDescriptor();
        attacks.TryMappings();
        attacks.TryOtherDoors();
        attacks.TryHost();
        return $"changed: {string.Join(", ", attacks._done)}; refused: {string.Join(", ", attacks._refused)}";
    }

    private void TryDescriptor()
    {
        Try("write", () => Kernel.Write(_store, _payload, PageContent.Bytes));
        Try("pwrite", () => Kernel.WriteAt(_store, _payload, PageContent.Bytes, 0));
        TryCall("ftruncate to nothing", () => Kernel.Truncate(_store, 0));
        TryCall("ftruncate to more", () => Kernel.Truncate(_store, (nint)_guest.Answer.StoreBytes));
        TryCall("punch a hole", () => Kernel.Allocate(_store, PunchHole, 0, PageContent.Bytes));
        TryCall("zero a range", () => Kernel.Allocate(_store, ZeroRange, 0, PageContent.Bytes));
        TryCall("collapse a range", () => Kernel.Allocate(_store, CollapseRange, 0, PageContent.Bytes));
        TryCall("allocate", () => Kernel.Allocate(_store, 0, 0, (nint)_guest.Answer.StoreBytes));
        TryCall("seal against writing", () => Kernel.Control(_store, AddSeals, 8));
        TryCall("seal against future writing", () => Kernel.Control(_store, AddSeals, 16));
        TryCall("seal against growing", () => Kernel.Control(_store, AddSeals, 4));
        TryCall("seal against shrinking", () => Kernel.Control(_store, AddSeals, 2));
        Try("F_SETFL read-write, then pwrite", () =>
        {
            _ = Kernel.Control(_store, SetFlags, OpenReadWrite);
            return Kernel.WriteAt(_store, _payload, PageContent.Bytes, 0);
        });
        Try("fchmod, then open again", () =>
            Kernel.ChangeMode(_store, 0b110_110_110) != 0 ? -1 : WriteThrough(Own("fd"), OpenReadWrite));
        Try("open /proc/self/fd read-write", () => WriteThrough(Own("fd"), OpenReadWrite));
        Try("open /proc/self/fd write-only", () => WriteThrough(Own("fd"), 1));
        Try("open /proc/self/fd and truncate", () => WriteThrough(Own("fd"), OpenReadWrite | 0x200));
        Try("open /proc/thread-self/fd", () => WriteThrough(
            string.Create(CultureInfo.InvariantCulture, $"/proc/thread-self/fd/{_store}"), OpenReadWrite));
        Try("open /proc/self/map_files", () => WriteThrough(MapFile(), OpenReadWrite));
    }

    private void TryMappings()
    {
        Try("mmap writable", () => WriteMapped(Kernel.Shared));
        Try("mmap private", () =>
        {
            _ = WriteMapped(Kernel.Private); // to a copy, which is nobody's business
            return -1;
        });
        TryCall("mprotect writable", () => Kernel.Protect(_view, PageContent.Bytes, PlainMemory.ProtectReadWrite));
        Try("private, then remapped as shared", () =>
        {
            var copy = (byte*)Kernel.MapRaw(
                null, PageContent.Bytes, PlainMemory.ProtectReadWrite, Kernel.Private, _store, 0);
            copy[0] ^= 0xff;
            var again = Kernel.MapRaw(
                copy, PageContent.Bytes, PlainMemory.ProtectRead, Kernel.Shared | 0x10, _store, 0);
            return again == copy && Kernel.Protect(copy, PageContent.Bytes, PlainMemory.ProtectReadWrite) == 0 ? 1 : -1;
        });
        TryCall("madvise that removes", () => Kernel.Advise(_view, PageContent.Bytes, AdviseRemove));
        TryCall(
            "madvise that populates for writing", () => Kernel.Advise(_view, PageContent.Bytes, AdvisePopulateWrite));
        Try("madvise that drops", () => Kernel.Advise(_view, PageContent.Bytes, AdviseDontNeed));
        Try("write /proc/self/mem", () => WriteProcessFile("/proc/self/mem"));
        Try("process_vm_writev to itself", () => WriteProcess(Environment.ProcessId));
        Try("userfaultfd registered over it", RegisterFaults);
    }

    private void TryOtherDoors()
    {
        var ends = stackalloc int[2];
        ProbeFailedException.ThrowIf(Kernel.Pipe(ends) != 0, "pipe failed");
        var (read, write) = (ends[0], ends[1]);
        var source = Kernel.Number(_guest.Backing);
        Try("sendfile", () => Kernel.SendFile(_store, source, null, PageContent.Bytes));
        Try("copy_file_range", () =>
        {
            nint from = 0, into = 0;
            return Kernel.CopyRange(source, &from, _store, &into, PageContent.Bytes, 0);
        });
        Try("splice from a pipe", () =>
        {
            nint at = 0;
            _ = Kernel.Write(write, _payload, PageContent.Bytes);
            var moved = Kernel.Splice(read, null, _store, &at, PageContent.Bytes, 0);
            Drain(read);
            return moved;
        });
        Try("splice to a pipe, then write to the pipe's page", () =>
        {
            // CVE-2022-0847: the pipe's buffer was the store's page.
            nint at = 0;
            _ = Kernel.Splice(_store, &at, write, null, 1, 0);
            var wrote = Kernel.Write(write, _payload, 64);
            Drain(read);
            return wrote < 0 ? wrote : -1;
        });
        Try("vmsplice of the view as a gift", () =>
        {
            var part = new Kernel.Part((nint)_view, PageContent.Bytes);
            _ = Kernel.SpliceMemory(write, &part, 1, 8);
            var wrote = Kernel.Write(write, _payload, 64);
            Drain(read);
            return wrote < 0 ? wrote : -1;
        });
        Try("vmsplice into the view", () =>
        {
            _ = Kernel.Write(write, _payload, 64);
            var part = new Kernel.Part((nint)_view, 64);
            var moved = Kernel.SpliceMemory(read, &part, 1, 0);
            Drain(read);
            return moved;
        });
        Try("read from a pipe into the view", () =>
        {
            _ = Kernel.Write(write, _payload, 64);
            var got = Kernel.Call(ReadNumber, read, (nint)_view, 64);
            Drain(read);
            return got;
        });
        _ = Kernel.Close(read);
        _ = Kernel.Close(write);
    }

    private void TryHost()
    {
        Try("process_vm_writev into the host", () => WriteProcess(_host));
        Try("write the host's /proc/mem", () => WriteProcessFile(Of("mem")));
        TryCall("ptrace the host", () => (int)Kernel.Trace(TraceSeize, _host, 0, 0));
        Try("open the host's descriptors", () =>
        {
            for (var descriptor = 0; descriptor < 256; descriptor++)
            {
                var path = string.Create(CultureInfo.InvariantCulture, $"{Of("fd")}/{descriptor}");
                if (WriteThrough(path, OpenReadWrite) > 0)
                {
                    return 1;
                }
            }

            return -1;
        });
        Try("take the host's descriptors by pidfd", () =>
        {
            var process = Kernel.Call(PidfdOpen, _host, 0, 0);
            var taken = process < 0 ? -1 : Kernel.Call(PidfdGet, process, 3, 0);
            _ = Kernel.Close((int)process);
            return taken;
        });
    }

    /// <summary>The same for calls that return 0 when they have done it.</summary>
    private void TryCall(string way, Func<int> attack) => Try(way, () => attack() == 0 ? 1 : -1);

    private void Try(string way, Func<nint> attack)
    {
        var result = attack();
        var error = Marshal.GetLastPInvokeError();
        if (!Look().AsSpan().SequenceEqual(_before))
        {
            _done.Add(way);
            _before = Look();
        }
        else if (result < 0)
        {
            _refused.Add(string.Create(CultureInfo.InvariantCulture, $"{way} ({error})"));
        }
        else if (result > 0)
        {
            _done.Add($"{way} (allowed)");
        }
    }

    /// <summary>What the store holds, and its size.</summary>
    private byte[] Look()
    {
        var bytes = new byte[(_full * PageContent.Bytes) + sizeof(long)];
        _ = RandomAccess.Read(_guest.Store, bytes.AsSpan(0, _full * PageContent.Bytes), 0);
        BitConverter.TryWriteBytes(bytes.AsSpan(_full * PageContent.Bytes), RandomAccess.GetLength(_guest.Store));
        return bytes;
    }

    private nint WriteThrough(string path, int flags)
    {
        var descriptor = Kernel.Open(path, flags | ForeignOpenFlags, 0);
        if (descriptor < 0)
        {
            return -1;
        }

        var wrote = Kernel.WriteAt(descriptor, _payload, PageContent.Bytes, 0);
        _ = Kernel.Close(descriptor);
        return wrote;
    }

    private nint WriteMapped(int flags)
    {
        var address = (byte*)Kernel.MapRaw(null, PageContent.Bytes, PlainMemory.ProtectReadWrite, flags, _store, 0);
        if ((nint)address == -1)
        {
            return -1;
        }

        address[0] ^= 0xff;
        return 1;
    }

    private nint WriteProcessFile(string path)
    {
        var memory = Kernel.Open(path, OpenReadWrite | ForeignOpenFlags, 0);
        if (memory < 0)
        {
            return -1;
        }

        var wrote = Kernel.WriteAt(memory, _payload, PageContent.Bytes, (nint)_view);
        _ = Kernel.Close(memory);
        return wrote;
    }

    private nint WriteProcess(int process)
    {
        var from = new Kernel.Part((nint)_payload, PageContent.Bytes);
        var into = new Kernel.Part((nint)_view, PageContent.Bytes);
        return Kernel.WriteProcess(process, &from, 1, &into, 1, 0);
    }

    /// <summary>UFFDIO_REGISTER would let UFFDIO_COPY put pages there.</summary>
    private nint RegisterFaults()
    {
        var isArm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
        var faults = (int)Kernel.Call(isArm ? 282 : 323, 1, 0, 0);
        if (faults < 0)
        {
            return -1;
        }

        var api = stackalloc ulong[3] { 0xAA, 0, 0 };
        _ = Kernel.Command(faults, 0xC018AA3F, api);
        var range = stackalloc ulong[4] { (ulong)_view, PageContent.Bytes, 1, 0 };
        nint result = Kernel.Command(faults, 0xC020AA00, range);
        var error = Marshal.GetLastPInvokeError();
        _ = Kernel.Close(faults);
        Marshal.SetLastPInvokeError(error);
        return result == 0 ? 1 : result;
    }

    private static void Drain(int pipe)
    {
        const int NonBlocking = 0x800;
        const int Room = 4 * PageContent.Bytes;
        var error = Marshal.GetLastPInvokeError(); // the attack's, for the caller
        _ = Kernel.Control(pipe, SetFlags, NonBlocking);
        var rest = stackalloc byte[Room];
        while (Kernel.Call(ReadNumber, pipe, (nint)rest, Room) > 0)
        {
        }

        _ = Kernel.Control(pipe, SetFlags, 0);
        Marshal.SetLastPInvokeError(error);
    }

    private static nint ReadNumber => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 63 : 0;

    private string Own(string folder) => string.Create(CultureInfo.InvariantCulture, $"/proc/self/{folder}/{_store}");

    private string Of(string file) => string.Create(CultureInfo.InvariantCulture, $"/proc/{_host}/{file}");

    private string MapFile()
    {
        var line = File.ReadLines("/proc/self/maps").First(text => text.StartsWith(
            ((nint)_view).ToString("x", CultureInfo.InvariantCulture) + "-", StringComparison.Ordinal));
        return $"/proc/self/map_files/{line.Split(' ')[0]}";
    }
}
