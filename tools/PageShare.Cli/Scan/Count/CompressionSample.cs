namespace PageShare.Cli.Scan.Count;

/// <summary>
/// Compresses a few pages on the way, chosen by hash, to say in the end how those of them compress that nothing equals.
/// </summary>
/// <remarks>
/// Contents with the lowest hashes are taken, below a bound that halves whenever there are too many. So the sample is
/// the same whatever threads do, and its size does not grow with memory. Thread-safe.
/// </remarks>
/// <param name="compressor">Compresses.</param>
/// <param name="expectedPages">About how many pages there will be; 0 if unknown.</param>
internal sealed class CompressionSample(PageCompressor compressor, long expectedPages)
{
    private const int Most = 2048;

    // What a bound costs that begins too high: compressing pages that are then thrown away.
    private const long UsualPages = 1 << 18;

    private readonly Lock _gate = new();
    private readonly Dictionary<(ulong High, ulong Low), int> _sizes = [];
    private ulong _limit = new SampleRate(
        Math.Min(1, Most / 2.0 / (expectedPages > 0 ? expectedPages : UsualPages))).Limit;

    /// <summary>What compresses.</summary>
    public string CompressorName => compressor.Name;

    /// <summary>Contents and their compressed sizes. Only once all pages were offered.</summary>
    public IReadOnlyDictionary<(ulong High, ulong Low), int> Sizes => _sizes;

    /// <summary>Offers a page, which is compressed if it is one of the sample.</summary>
    public void Offer(in PageDigest digest, ReadOnlySpan<byte> page)
    {
        // A bound that is a moment old only means a page too many, which the next halving drops.
        if (digest.High >= Volatile.Read(ref _limit))
        {
            return;
        }

        lock (_gate)
        {
            if (_sizes.ContainsKey((digest.High, digest.Low)))
            {
                return;
            }
        }

        int size = compressor.SizeOf(page);
        lock (_gate)
        {
            if (digest.High >= _limit)
            {
                return;
            }

            _sizes[(digest.High, digest.Low)] = size;
            while (_sizes.Count > Most)
            {
                _limit /= 2;
                foreach (var content in _sizes.Keys.Where(content => content.High >= _limit).ToArray())
                {
                    _sizes.Remove(content);
                }
            }
        }
    }
}
