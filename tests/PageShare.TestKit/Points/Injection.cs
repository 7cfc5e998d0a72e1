namespace PageShare.TestKit.Points;

/// <summary>Makes a system call of the page protocol fail until it is disposed.</summary>
/// <remarks>Global to the process, as <see cref="Gate"/> is.</remarks>
public sealed class Injection : IDisposable
{
    /// <summary>ENOMEM: no memory, or no mapping to be had.</summary>
    public const int NoMemory = 12;

    private readonly TestCall _call;

    private Injection(TestCall call, int skip, uint times, int error)
    {
        _call = call;
        Assert.Equal(0, TestShim.InjectFailure(call, (uint)skip, times, error));
    }

    /// <summary>The next <paramref name="times"/> calls fail, after <paramref name="skip"/> more that work.</summary>
    public static Injection Once(TestCall call, int skip = 0, int times = 1, int error = NoMemory) =>
        new(call, skip, (uint)times, error);

    /// <summary>Every call fails until this is disposed.</summary>
    public static Injection Lasting(TestCall call, int error = NoMemory) => new(call, 0, uint.MaxValue, error);

    /// <summary>Ends every injection.</summary>
    public static void EndAll()
    {
        foreach (var call in Enum.GetValues<TestCall>())
        {
            _ = TestShim.InjectFailure(call, 0, 0, 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Assert.Equal(0, TestShim.InjectFailure(_call, 0, 0, 0));
}
