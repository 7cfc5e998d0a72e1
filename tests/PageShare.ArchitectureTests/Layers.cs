namespace PageShare.ArchitectureTests;

/// <summary>
/// Who may use whom, as DESIGN.md draws it:
/// <code>
/// Platform ◄ Memory ◄ PageTable ◄ { Content, Fault } ◄ Merge ◄ Scan ◄ (root)
/// </code>
/// Metrics stands beside them: plain data that Merge, Scan and the root fill. Protocol, an assembly of its own, knows
/// Platform and Metrics.
/// </summary>
internal sealed class Layers
{
    private const string Root = "PageShare";

    /// <summary>
    /// Types of the root that every layer may name: what the caller hands in or gets back, without behaviour. They may
    /// name each other and the unit that sizes are checked by, and no layer.
    /// </summary>
    private static readonly string[] Vocabulary =
    [
        "PageShare.FaultMode", "PageShare.EngineOptions", "PageShare.GuestOptions", "PageShare.PassReport",
        "PageShare.OptionRange", "PageShare.SizeCheck",
    ];

    private const string Unit = "PageShare.Memory.PageSize";

    private readonly Dictionary<string, string[]> _allowed;
    private readonly HashSet<string> _vocabulary;

    public Layers(Dictionary<string, string[]> allowed, IEnumerable<string> vocabulary)
    {
        _allowed = allowed;
        _vocabulary = [.. vocabulary];
    }

    /// <summary>The arrows of this repository.</summary>
    public static Layers OfPageShare { get; } = new(
        new()
        {
            ["PageShare.Platform"] = [],
            ["PageShare.Memory"] = ["PageShare.Platform"],
            ["PageShare.PageTable"] = ["PageShare.Platform", "PageShare.Memory"],
            ["PageShare.Content"] = ["PageShare.Platform", "PageShare.Memory", "PageShare.PageTable"],
            ["PageShare.Fault"] = ["PageShare.Platform", "PageShare.Memory", "PageShare.PageTable"],
            ["PageShare.Merge"] =
            [
                "PageShare.Platform", "PageShare.Memory", "PageShare.PageTable", "PageShare.Content",
                "PageShare.Fault", "PageShare.Metrics",
            ],
            ["PageShare.Scan"] =
            [
                "PageShare.Platform", "PageShare.Memory", "PageShare.PageTable", "PageShare.Content",
                "PageShare.Fault", "PageShare.Merge", "PageShare.Metrics",
            ],
            ["PageShare.Metrics"] = ["PageShare.Memory"], // for its units: pages and bytes
            ["PageShare.Protocol.Messages"] = ["PageShare.Metrics"],
            ["PageShare.Protocol"] =
            [
                "PageShare.Platform", "PageShare.Metrics", "PageShare.Protocol.Messages",
            ],
            ["PageShare.Attachment"] =
            [
                "PageShare.Platform", "PageShare.Memory", "PageShare.PageTable", "PageShare.Protocol",
                "PageShare.Protocol.Messages",
            ],
            [Root] =
            [
                "PageShare.Platform", "PageShare.Memory", "PageShare.PageTable", "PageShare.Content",
                "PageShare.Fault", "PageShare.Merge", "PageShare.Scan", "PageShare.Metrics",
                "PageShare.Protocol", "PageShare.Protocol.Messages", "PageShare.Attachment",
            ],
        },
        Vocabulary);

    /// <summary>
    /// The arrows of the host service:
    /// <code>
    /// Configuration ◄ { Sockets, Access } ◄ Guests ◄ Status ◄ { Sessions, Web } ◄ (root)
    /// </code>
    /// Its log, its identity and the exception of its start are everybody's.
    /// </summary>
    public static Layers OfTheHost { get; } = new(
        new()
        {
            ["PageShare.Host.Configuration"] = [],
            ["PageShare.Host.Sockets"] = ["PageShare.Host.Configuration"],
            ["PageShare.Host.Access"] = ["PageShare.Host.Configuration"],
            ["PageShare.Host.Guests"] = ["PageShare.Host.Access"],
            ["PageShare.Host.Status"] = ["PageShare.Host.Guests"],
            ["PageShare.Host.Sessions"] =
            [
                "PageShare.Host.Configuration", "PageShare.Host.Sockets", "PageShare.Host.Access",
                "PageShare.Host.Guests", "PageShare.Host.Status",
            ],
            ["PageShare.Host.Web"] =
            [
                "PageShare.Host.Configuration", "PageShare.Host.Sockets", "PageShare.Host.Guests", "PageShare.Host.Status",
            ],
            ["PageShare.Host"] =
            [
                "PageShare.Host.Configuration", "PageShare.Host.Sockets", "PageShare.Host.Access",
                "PageShare.Host.Guests", "PageShare.Host.Status", "PageShare.Host.Sessions", "PageShare.Host.Web",
            ],
        },
        ["PageShare.Host.HostLog", "PageShare.Host.HostIdentity", "PageShare.Host.HostStartException"]);

    /// <summary>Names the layer of a namespace: the longest one of the table that it lies in, or null.</summary>
    public string? LayerOf(string @namespace) => _allowed.Keys
        .Where(layer => @namespace == layer
            || (layer != Root && @namespace.StartsWith(layer + ".", StringComparison.Ordinal)))
        .MaxBy(layer => layer.Length);

    /// <summary>The uses that go against an arrow, one line each, sorted.</summary>
    public IEnumerable<string> Violations(IEnumerable<TypeUse> uses) => uses
        .Where(use => !IsAllowed(use))
        .Select(use => $"{use.From} uses {use.To}")
        .Distinct()
        .Order(StringComparer.Ordinal);

    /// <summary>Namespaces that the table does not place, of those that the uses start from.</summary>
    public IEnumerable<string> Unplaced(IEnumerable<TypeUse> uses) => uses
        .Select(use => use.FromNamespace)
        .Where(name => name == Root || name.StartsWith(Root + ".", StringComparison.Ordinal))
        .Where(name => LayerOf(name) is null)
        .Distinct();

    private bool IsAllowed(TypeUse use)
    {
        var from = LayerOf(use.FromNamespace);
        var to = LayerOf(use.ToNamespace);
        if (from is null || to is null)
        {
            return true;
        }

        if (_vocabulary.Contains(use.From))
        {
            return _vocabulary.Contains(use.To) || use.To == Unit;
        }

        return from == to || _vocabulary.Contains(use.To) || _allowed[from].Contains(to);
    }
}
