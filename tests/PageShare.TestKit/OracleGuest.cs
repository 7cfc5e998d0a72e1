namespace PageShare.TestKit;

/// <summary>A guest, and beside it every byte that it should hold.</summary>
/// <remarks>Not thread-safe: writers of other threads tell it by <see cref="Expect"/> what they wrote, from the test's
/// thread.</remarks>
public sealed unsafe class OracleGuest
{
    private readonly List<byte> _expected;

    /// <summary>Watches over a guest that holds zeros.</summary>
    public OracleGuest(MappedGuest memory)
    {
        Memory = memory;
        _expected = [.. new byte[memory.Length]];
    }

    /// <summary>The guest.</summary>
    public MappedGuest Memory { get; }

    /// <summary>The guest, of an engine that has it in this process.</summary>
    public Guest Guest => (Guest)Memory;

    /// <summary>Its pages now.</summary>
    public long Pages => Memory.Length / PageContent.Bytes;

    /// <summary>The bytes of a page, to read.</summary>
    public ReadOnlySpan<byte> this[long page] => Memory.AsSpan(page * PageContent.Bytes, PageContent.Bytes);

    /// <summary>Address of a byte in a page.</summary>
    // SAFETY: made, not followed; who follows it holds the guest.
    public byte* AddressOf(long page, int offset = 0) => Memory.Pointer + (page * PageContent.Bytes) + offset;

    /// <summary>Writes a whole page.</summary>
    public void Write(long page, PageContent content)
    {
        content.WriteTo(Memory.AsSpan(page * PageContent.Bytes, PageContent.Bytes));
        content.WriteTo(ExpectedPage(page));
    }

    /// <summary>Writes all pages; zero pages too, so that they have memory.</summary>
    public void WriteAll(Func<long, PageContent> contentOf)
    {
        for (var page = 0L; page < Pages; page++)
        {
            Write(page, contentOf(page));
        }
    }

    /// <summary>Writes one byte.</summary>
    public void Write(long page, int offset, byte value)
    {
        Memory.AsSpan((page * PageContent.Bytes) + offset, 1)[0] = value;
        Expect(page, offset, value);
    }

    /// <summary>Some other thread writes this byte.</summary>
    public void Expect(long page, int offset, byte value) => ExpectedPage(page)[offset] = value;

    /// <summary>Some other means writes this page.</summary>
    public void Expect(long page, PageContent content) => content.WriteTo(ExpectedPage(page));

    /// <summary>What its pages should hold, in order.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> ExpectedPages()
    {
        Assert.Equal(Memory.Length, _expected.Count); // what has grown since must have been written
        var all = _expected.ToArray();
        for (var offset = 0; offset < all.Length; offset += PageContent.Bytes)
        {
            yield return all.AsMemory(offset, PageContent.Bytes);
        }
    }

    /// <summary>Checks every byte. Reading a zero page gives it memory again.</summary>
    public void Verify()
    {
        for (var page = 0L; page < Pages; page++)
        {
            var found = this[page];
            if (!found.SequenceEqual(ExpectedPage(page)))
            {
                var at = found.CommonPrefixLength(ExpectedPage(page));
                Assert.Fail($"Guest '{Memory.Name}', page {page}: byte {at} is 0x{found[at]:x2}, should be "
                    + $"0x{ExpectedPage(page)[at]:x2}; it holds a {PageContent.Describe(found)}.");
            }
        }
    }

    private Span<byte> ExpectedPage(long page)
    {
        while (_expected.Count < Memory.Length)
        {
            _expected.AddRange(new byte[Memory.Length - _expected.Count]); // it has grown
        }

        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_expected)
            .Slice((int)(page * PageContent.Bytes), PageContent.Bytes);
    }
}
