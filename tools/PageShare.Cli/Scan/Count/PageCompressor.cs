using System.IO.Compression;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PageShare.Cli.Scan.Count;

/// <summary>
/// Compresses single pages with what the machine has: its zstd library, its LZ4 library, or .NET's Brotli, at their
/// fastest. Only sizes are of interest.
/// </summary>
/// <remarks>
/// The libraries are called where they are and not bound to, since no machine must have them. Thread-safe.
/// </remarks>
internal sealed class PageCompressor
{
    private const int ScratchBytes = 2 * Quantity.PageBytes;
    private const int FastestLevel = 1;
    private const int BrotliWindow = 12;

    private static readonly string[] ZstdLibraries = ["libzstd.so.1", "libzstd.dll", "zstd"];
    private static readonly string[] Lz4Libraries = ["liblz4.so.1", "liblz4.dll", "lz4"];

    [ThreadStatic]
    private static byte[]? _scratch;

    [ThreadStatic]
    private static ZstdContext? _zstd;

    private readonly Func<byte[], byte[], long> _compress;

    private PageCompressor(string name, Func<byte[], byte[], long> compress)
    {
        Name = name;
        _compress = compress;
    }

    private delegate nint ZstdCreateContext();

    private delegate nuint ZstdFreeContext(nint context);

    private delegate nuint ZstdCompress(
        ZstdContext context, ref byte destination, nuint capacity, ref byte source, nuint length, int level);

    private delegate int Lz4Compress(ref byte source, ref byte destination, int length, int capacity);

    /// <summary>The algorithm and its level.</summary>
    public string Name { get; }

    /// <summary>The best that is here.</summary>
    public static PageCompressor Find() => FindZstd() ?? FindLz4() ?? Brotli();

    /// <summary>zstd at level 1; null if the machine has no library.</summary>
    public static PageCompressor? FindZstd()
    {
        if (Load<ZstdCompress>("ZSTD_compressCCtx", ZstdLibraries) is not { } compress
            || Load<ZstdCreateContext>("ZSTD_createCCtx", ZstdLibraries) is not { } create
            || Load<ZstdFreeContext>("ZSTD_freeCCtx", ZstdLibraries) is not { } free)
        {
            return null;
        }

        return new PageCompressor("zstd level 1", (page, scratch) =>
        {
            _zstd ??= new ZstdContext(create(), free);
            nuint size = compress(
                _zstd, ref scratch[0], (nuint)scratch.Length, ref page[0], Quantity.PageBytes, FastestLevel);

            // Errors are negative numbers, which are large as unsigned ones.
            return size > (nuint)scratch.Length ? Quantity.PageBytes : (long)size;
        });
    }

    /// <summary>LZ4 as it is; null if the machine has no library.</summary>
    public static PageCompressor? FindLz4()
    {
        if (Load<Lz4Compress>("LZ4_compress_default", Lz4Libraries) is not { } compress)
        {
            return null;
        }

        return new PageCompressor("LZ4", (page, scratch) =>
        {
            int size = compress(ref page[0], ref scratch[0], Quantity.PageBytes, scratch.Length);
            return size <= 0 ? Quantity.PageBytes : size;
        });
    }

    /// <summary>Brotli, which comes with .NET.</summary>
    public static PageCompressor Brotli() => new("Brotli quality 1", (page, scratch) =>
        BrotliEncoder.TryCompress(page, scratch, out int size, FastestLevel, BrotliWindow) ? size : Quantity.PageBytes);

    /// <summary>Bytes of a page when compressed; never more than it has.</summary>
    public int SizeOf(ReadOnlySpan<byte> page)
    {
        byte[] scratch = _scratch ??= new byte[ScratchBytes + Quantity.PageBytes];
        byte[] copy = page.ToArray();
        return (int)Math.Min(_compress(copy, scratch), Quantity.PageBytes);
    }

    private static TDelegate? Load<TDelegate>(string function, string[] libraries)
        where TDelegate : Delegate
    {
        foreach (string name in libraries)
        {
            if (NativeLibrary.TryLoad(name, out nint library)
                && NativeLibrary.TryGetExport(library, function, out nint address))
            {
                return Marshal.GetDelegateForFunctionPointer<TDelegate>(address);
            }
        }

        return null;
    }

    /// <summary>
    /// What zstd keeps from one page to the next, for one thread: making it takes as long as compressing a page. Freed
    /// with the thread.
    /// </summary>
    private sealed class ZstdContext : SafeHandleZeroOrMinusOneIsInvalid
    {
        private readonly ZstdFreeContext _free;

        public ZstdContext(nint context, ZstdFreeContext free)
            : base(ownsHandle: true)
        {
            _free = free;
            SetHandle(context);
            if (IsInvalid)
            {
                throw CommandException.Failed("zstd found no memory to compress with.");
            }
        }

        protected override bool ReleaseHandle() => _free(handle) == 0;
    }
}
