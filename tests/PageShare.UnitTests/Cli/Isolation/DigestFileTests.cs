using Microsoft.Win32.SafeHandles;
using PageShare.Cli.Run;
using PageShare.Cli.Run.Isolation;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli.Isolation;

public sealed class DigestFileTests : IDisposable
{
    private const int PageBytes = 4096;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void CountsAreThoseOfLookingAtThePages()
    {
        byte[] pages = Pages(6000);
        var direct = new DuplicateCensus();
        direct.Add("domain", pages);

        Assert.Equal(direct.Counts, Count(pages, pages.Length / PageBytes));
    }

    [Fact]
    public void GuestThatReportsTooFewPagesIsNotCounted() =>
        Assert.Throws<InvalidDataException>(() => Count(Pages(10), pages: 11));

    private LoadedPages Count(byte[] content, long pages)
    {
        using SafeFileHandle file = File.OpenHandle(
            Path.Combine(_folder.Path, "digests"), FileMode.CreateNew, FileAccess.ReadWrite);
        var digests = new DigestFile(file);
        for (int offset = 0; offset < content.Length; offset += 5 * PageBytes)
        {
            digests.Add("domain", content.AsSpan(offset, Math.Min(5 * PageBytes, content.Length - offset)));
        }

        var census = new DuplicateCensus();
        DigestFile.Count(file, pages, "domain", census);
        return census.Counts;
    }

    /// <summary>A third each of zero pages, pages that are there twice, and others.</summary>
    private static byte[] Pages(int count)
    {
        byte[] pages = new byte[count * PageBytes];
        for (int i = 0; i < count; i++)
        {
            int kind = i % 3;
            if (kind > 0)
            {
                PagePattern.Fill((ulong)(kind == 1 ? (i / 6) + 1 : i + 1_000_000), pages.AsSpan(i * PageBytes, PageBytes));
            }
        }

        return pages;
    }
}
