using PageShare.TestKit;

namespace PageShare.StressTests.Sequences;

/// <summary>What guests would be without an engine: arrays. The model that every engine must equal.</summary>
internal sealed class NaiveGuests
{
    private readonly List<byte[]?> _guests = [];
    private readonly List<string> _domains = [];

    /// <summary>Whole pages of equal content can be had by filling them with one of few values.</summary>
    public static void Fill(Span<byte> range, int content, int offset)
    {
        for (var i = 0; i < range.Length; i++)
        {
            // By the place in the page, so that ranges that begin anywhere make the same page.
            range[i] = content == 0 ? (byte)0 : (byte)((content * 37) + ((offset + i) % PageContent.Bytes / 512));
        }
    }

    /// <summary>All bytes of a guest; null once it is disposed.</summary>
    public byte[]? BytesOf(int guest) => _guests[guest];

    /// <summary>Pages that memory is needed for at best: distinct contents other than zero, domain by domain.</summary>
    public long DistinctPages
    {
        get
        {
            var distinct = new HashSet<(string Domain, string Content)>();
            for (var guest = 0; guest < _guests.Count; guest++)
            {
                foreach (var page in (_guests[guest] ?? []).Chunk(PageContent.Bytes))
                {
                    if (page.AsSpan().ContainsAnyExcept((byte)0))
                    {
                        distinct.Add((_domains[guest], Convert.ToBase64String(page)));
                    }
                }
            }

            return distinct.Count;
        }
    }

    /// <summary>Executes a step, as far as it changes bytes.</summary>
    public void Apply(Step step)
    {
        switch (step.Kind)
        {
            case StepKind.Create:
                _guests.Add(new byte[step.Length]);
                _domains.Add(GuestKinds.DomainOf(step.Value));
                break;
            case StepKind.Dispose:
                _guests[step.Guest] = null;
                break;
            case StepKind.Grow:
                _guests[step.Guest] = [.. _guests[step.Guest]!, .. new byte[step.Length]];
                break;
            case StepKind.Store:
                _guests[step.Guest]![step.Offset] = (byte)step.Value;
                break;
            case StepKind.Fill or StepKind.ReadFile:
                Fill(_guests[step.Guest].AsSpan(step.Offset, step.Length), step.Value, step.Offset);
                break;
            case StepKind.Copy when _guests[step.Value] is { } source:
                var length = Math.Clamp(source.Length - step.Offset, 0, step.Length);
                source.AsSpan(Math.Min(step.Offset, source.Length), length)
                    .CopyTo(_guests[step.Guest].AsSpan(step.Offset));
                break;
        }
    }
}
