using System.Globalization;
using PageShare.IsolationTests.Hosting;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.IsolationTests.Isolated;

/// <summary>What a host holds of the kernel's, to be the same again once guests that came have gone.</summary>
internal sealed class HostTraces
{
    // Sockets and pipes that the runtime keeps for later use.
    private const int Slack = 4;

    private readonly HostProcess _host;
    private readonly int _descriptors;
    private readonly int _threads;
    private readonly string[] _objects;

    /// <summary>Notes what it holds now.</summary>
    public HostTraces(HostProcess host)
    {
        _host = host;
        _ = host.Status();
        _descriptors = host.DescriptorCount;
        _threads = ThreadCount;
        _objects = Objects;
    }

    private string[] Objects => [.. MemoryObjects.NamesOf(_host.ProcessId)];

    // Fewer are right: a guest that went before may have been on its way out when they were noted.
    private bool HasNoMoreObjects => Objects.GroupBy(static name => name)
        .All(sameName => sameName.Count() <= _objects.Count(name => name == sameName.Key));

    private int ThreadCount => Directory.GetDirectories(
        string.Create(CultureInfo.InvariantCulture, $"/proc/{_host.ProcessId}/task")).Length;

    /// <summary>Waits until it holds that again, and nothing more.</summary>
    public void AreGone()
    {
        Until.True(() => HasNoMoreObjects, "the host has no memory object more than before");
        Until.True(() => _host.DescriptorCount <= _descriptors + Slack, "the host has no descriptor more than before");
        Until.True(() => ThreadCount <= _threads + 2 * Slack, "the host has no thread more than before");
    }
}
