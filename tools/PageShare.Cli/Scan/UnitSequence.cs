using PageShare.Cli.Scan.Targets;

namespace PageShare.Cli.Scan;

/// <summary>Cuts targets into units of work, in order. Thread-safe.</summary>
/// <param name="targets">The targets.</param>
internal sealed class UnitSequence(IEnumerable<ScanTarget> targets) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly IEnumerator<ScanTarget> _targets = targets.GetEnumerator();
    private IEnumerator<PageRange>? _ranges;
    private PageRange _range;
    private long _done;
    private long _next;

    // A target that broke while it was read. Guard: the gate.
    private ScanTarget? _abandoned;

    /// <summary>Fills a unit with the next piece of work; false at the end.</summary>
    public bool TryNext(ScanUnit unit)
    {
        lock (_gate)
        {
            if (_ranges is null)
            {
                if (!_targets.MoveNext())
                {
                    return false;
                }

                _ranges = _targets.Current.Ranges().GetEnumerator();
                _range = default;
                _done = 0;
                Fill(unit, UnitKind.Begin);
            }
            else if (HasPages())
            {
                unit.Range = _range.Part(_done, ScanUnit.MostPages);
                _done += unit.Range.Pages;
                Fill(unit, UnitKind.Pages);
            }
            else
            {
                _ranges.Dispose();
                _ranges = null;
                Fill(unit, UnitKind.End);
            }

            return true;
        }
    }

    /// <summary>Skips what is left of a target.</summary>
    public void Abandon(ScanTarget target)
    {
        lock (_gate)
        {
            _abandoned = target;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ranges?.Dispose();
        _targets.Dispose();
    }

    private bool HasPages()
    {
        if (_targets.Current == _abandoned)
        {
            return false;
        }

        try
        {
            if (_done < _range.Pages)
            {
                return true;
            }

            // A range without pages still tells of absent ones, and is a unit too.
            if (_ranges!.MoveNext())
            {
                _range = _ranges.Current;
                _done = 0;
                return true;
            }
        }
        catch (TargetException failed)
        {
            _targets.Current.Fail(failed.Message);
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            _targets.Current.Fail($"can't be read: {failed.Message}");
        }

        return false;
    }

    private void Fill(ScanUnit unit, UnitKind kind)
    {
        unit.Kind = kind;
        unit.Target = _targets.Current;
        unit.Sequence = _next++;
    }
}
