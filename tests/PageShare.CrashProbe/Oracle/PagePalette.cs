using Microsoft.Win32.SafeHandles;

namespace PageShare.CrashProbe.Oracle;

/// <summary>
/// The few contents that pages are filled with, so that many are equal: zero, some that differ in one byte only, and
/// some that differ everywhere. In memory and, for system calls, in a file.
/// </summary>
internal sealed class PagePalette : IDisposable
{
    public const int Count = 16;
    public const int Bytes = Count * BusyGuests.PageBytes;

    private readonly byte[] _bytes = GC.AllocateArray<byte>(Bytes, pinned: true);

    public PagePalette()
    {
        for (var content = 1; content < Count; content++)
        {
            var page = _bytes.AsSpan(content * BusyGuests.PageBytes, BusyGuests.PageBytes);
            switch (content)
            {
                case 1:
                    page[^1] = 1; // zero but for the last byte
                    break;
                case 2:
                    page[0] = 1; // zero but for the first
                    break;
                case 3 or 4:
                    page.Fill(0xCC);
                    page[content == 3 ? 0 : ^1] ^= 1; // nearly equal
                    break;
                default:
                    new Random(content).NextBytes(page);
                    break;
            }
        }

        // The name goes at once, the file with the last descriptor.
        var path = Path.GetTempFileName();
        System.IO.File.WriteAllBytes(path, _bytes);
        File = System.IO.File.OpenHandle(path, share: FileShare.Read | FileShare.Delete);
        System.IO.File.Delete(path);
    }

    /// <summary>All contents one after another, as in <see cref="All"/>.</summary>
    public SafeFileHandle File { get; }

    public ReadOnlySpan<byte> All => _bytes;

    /// <summary>Contents from the given one on, from the first again after the last.</summary>
    public ReadOnlySpan<byte> Page(int content) =>
        _bytes.AsSpan(content % Count * BusyGuests.PageBytes, BusyGuests.PageBytes);

    public void Dispose() => File.Dispose();
}
