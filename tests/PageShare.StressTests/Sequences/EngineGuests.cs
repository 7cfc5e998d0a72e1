using System.Runtime.InteropServices;
using PageShare.TestKit;
using PageShare.TestKit.Proof;
using PageShare.TestKit.Rings;

namespace PageShare.StressTests.Sequences;

/// <summary>The same guests on an engine.</summary>
internal sealed unsafe class EngineGuests(TestEngine test, IReadOnlyList<FaultMode> modes, bool behindRings) : IDisposable
{
    private readonly PageShareEngine _engine = test.Engine;
    private readonly List<MappedGuest> _guests = [];
    private readonly Dictionary<MappedGuest, nint> _adopted = [];
    private readonly Dictionary<MappedGuest, RingPair> _pairs = [];
    private readonly List<(int Guest, WritablePin Pin)> _pins = [];
    private readonly TemporaryFolder _folder = new();

    /// <summary>Executes a step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="model">What guests hold, before the step.</param>
    public void Apply(Step step, NaiveGuests model)
    {
        switch (step.Kind)
        {
            case StepKind.Create:
                Create(step);
                break;
            case StepKind.Dispose:
                Dispose(step.Guest, model);
                break;
            case StepKind.Grow:
                _guests[step.Guest].Grow(_guests[step.Guest].Length + step.Length);
                break;
            case StepKind.Store:
                _guests[step.Guest].AsSpan(step.Offset, 1)[0] = (byte)step.Value;
                break;
            case StepKind.Fill:
                NaiveGuests.Fill(_guests[step.Guest].AsSpan(step.Offset, step.Length), step.Value, step.Offset);
                break;
            case StepKind.Copy when model.BytesOf(step.Value) is { } source && source.Length > step.Offset:
                var length = Math.Min(source.Length - step.Offset, step.Length);
                _guests[step.Value].AsSpan(step.Offset, length).CopyTo(_guests[step.Guest].AsSpan(step.Offset, length));
                break;
            case StepKind.ReadFile:
                ReadFile(step);
                break;
            case StepKind.Check:
                Check(step.Guest, step.Offset, step.Length, model);
                break;
            case StepKind.Pin:
                _pins.Add((step.Guest, _guests[step.Guest].PinWritable(step.Offset, step.Length)));
                break;
            case StepKind.Unpin:
                EndPins(_pins.Take(1));
                break;
            case StepKind.EnsureWritable:
                _guests[step.Guest].EnsureWritable(step.Offset, step.Length);
                break;
            case StepKind.Unshare when step.Value == 0:
                _engine.UnshareAll();
                break;
            case StepKind.Unshare:
                _guests[step.Guest].Unshare();
                break;
            case StepKind.SetSharing:
                SetSharing(_guests[step.Guest], step.Value != 0);
                break;
            case StepKind.Scan:
                Assert.True(_engine.ScanOnce().Completed);
                break;
            case StepKind.CheckBooks:
                // The frames of a guest that only a pin keeps are in nobody's books.
                EndPins(_pins.Where(pin => model.BytesOf(pin.Guest) is null));
                EngineBooks.Check(_engine);
                break;
        }
    }

    /// <summary>Compares every byte of every guest with the model.</summary>
    public void CheckAll(NaiveGuests model)
    {
        for (var guest = 0; guest < _guests.Count; guest++)
        {
            if (model.BytesOf(guest) is { } bytes)
            {
                Assert.Equal(bytes.Length, _guests[guest].Length);
                Check(guest, 0, bytes.Length, model);
            }
        }
    }

    /// <summary>Ends whatever keeps pages from being shared.</summary>
    public void AdmitAll()
    {
        EndPins(_pins);
        foreach (var guest in _engine.Guests)
        {
            guest.Sharing = true;
        }

        foreach (var guest in _engine.IsolatedGuests)
        {
            guest.Sharing = true;
        }
    }

    public void Dispose()
    {
        EndPins(_pins);
        foreach (var (guest, memory) in _adopted)
        {
            guest.Dispose();
            NativeMemory.AlignedFree((void*)memory);
        }

        _folder.Dispose();
    }

    private void Create(Step step)
    {
        var options = new GuestOptions
        {
            Domain = GuestKinds.DomainOf(step.Value),
            FaultMode = GuestKinds.ModeOf(step.Value, modes),
            MaximumBytes = GuestKinds.IsAdopted(step.Value) ? null : (long)StepSource.MostPages * PageContent.Bytes,
        };
        if (behindRings && step.Value % 4 != 0 && !GuestKinds.IsAdopted(step.Value))
        {
            var pair = test.AddRingGuest(
                $"guest-{step.Guest}", step.Length / PageContent.Bytes, domain: options.Domain,
                processId: 1 + (step.Value % 2), mode: options.FaultMode, maximumPages: StepSource.MostPages);
            _guests.Add(pair.Guest);
            _pairs.Add(pair.Guest, pair);
            return;
        }

        if (!GuestKinds.IsAdopted(step.Value))
        {
            _guests.Add(_engine.CreateGuest($"guest-{step.Guest}", step.Length, options));
            return;
        }

        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)step.Length, PageContent.Bytes);
        NativeMemory.Clear(memory, (nuint)step.Length);
        var guest = _engine.Adopt(memory, step.Length, $"adopted-{step.Guest}", options);
        _guests.Add(guest);
        _adopted.Add(guest, (nint)memory);
    }

    /// <summary>Adopted memory stays, with its bytes.</summary>
    private void Dispose(int number, NaiveGuests model)
    {
        var guest = _guests[number];
        if (_pairs.Remove(guest, out var pair))
        {
            pair.Dispose();
            return;
        }

        guest.Dispose();
        if (_adopted.Remove(guest, out var memory))
        {
            var expected = model.BytesOf(number)!;
            Assert.True(expected.AsSpan().SequenceEqual(new ReadOnlySpan<byte>((void*)memory, expected.Length)),
                $"Guest '{guest.Name}' gave its memory back with other bytes.");
            NativeMemory.AlignedFree((void*)memory);
        }
    }

    private void SetSharing(MappedGuest guest, bool isSharing)
    {
        if (guest is Guest own)
        {
            own.Sharing = isSharing;
        }
        else
        {
            _pairs[guest].Host.Sharing = isSharing;
        }
    }

    private void ReadFile(Step step)
    {
        var bytes = new byte[step.Length];
        NaiveGuests.Fill(bytes, step.Value, step.Offset);
        using var file = File.OpenHandle(_folder.Write("file", bytes));
        Assert.Equal(step.Length, _guests[step.Guest].ReadFrom(file, 0, step.Offset, step.Length));
    }

    private void EndPins(IEnumerable<(int Guest, WritablePin Pin)> pins)
    {
        foreach (var pin in pins.ToArray())
        {
            pin.Pin.Dispose();
            _pins.Remove(pin);
        }
    }

    private void Check(int number, int offset, int length, NaiveGuests model)
    {
        var guest = _guests[number];
        var actual = guest.AsSpan(offset, length);
        var expected = model.BytesOf(number).AsSpan(offset, length);
        var at = actual.CommonPrefixLength(expected);
        if (at < length)
        {
            var page = (offset + at) / PageContent.Bytes;
            Assert.Fail($"Guest '{guest.Name}', page {page}, offset {(offset + at) % PageContent.Bytes}: expected "
                + $"0x{expected[at]:x2}, actual 0x{actual[at]:x2}; page word "
                + $"{(guest is Guest own ? PageWordText.Of(own, page) : "unknown")}.");
        }
    }
}
