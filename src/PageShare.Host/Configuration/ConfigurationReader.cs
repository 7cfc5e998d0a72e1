using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace PageShare.Host.Configuration;

/// <summary>Builds a configuration from its sources, the later ones above the earlier ones.</summary>
internal sealed class ConfigurationReader
{
    private const string VariablePrefix = "PAGESHARE_";
    private const string SectionMark = "__";

    private static readonly string[] Keys = ["socket", "http", "log", "engine", "limits", "users", "domains"];
    private static readonly string[] UserKeys = ["domains", "mostBytes", "mostGuests", "operator"];
    private static readonly string[] DomainKeys = ["users"];

    private static readonly Dictionary<string, Func<HostLimits, Setting, HostLimits>> LimitTable = new()
    {
        ["connections"] = static (l, s) => l with { Connections = (int)s.Whole(1, 16_384, "connections") },
        ["connectionsPerUser"] = static (l, s) =>
            l with { ConnectionsPerUser = (int)s.Whole(1, 16_384, "connections") },
        ["requestsPerSecond"] = static (l, s) => l with { RequestsPerSecond = (int)s.Whole(1, 1_000_000, "requests") },
        ["handshakeTimeout"] = static (l, s) => l with { HandshakeTimeout = Timeout(s) },
        ["frameTimeout"] = static (l, s) => l with { FrameTimeout = Timeout(s) },
    };

    private readonly List<string> _warnings = [];
    private HostConfiguration _made = new();

    /// <exception cref="HostConfigurationException">It can't be read, is no JSON, or says something wrong.</exception>
    public void ReadFile(string path)
    {
        _made = _made with { Source = path };
        try
        {
            using var document = JsonDocument.Parse(
                File.ReadAllBytes(path),
                new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            foreach (var (name, value) in Setting.OfJson(path, "", document.RootElement.Clone()).Members("settings"))
            {
                Apply(name, value);
            }
        }
        catch (JsonException failure)
        {
            throw new HostConfigurationException(
                path, "", $"is no JSON (comments and trailing commas are allowed): {failure.Message}", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new HostConfigurationException(path, "", $"can't be read: {failure.Message}", failure);
        }
    }

    /// <exception cref="HostConfigurationException">A value can't be used, or a section has no such key.</exception>
    public void ReadEnvironment(IReadOnlyDictionary<string, string> environment)
    {
        foreach (var (name, text) in environment.OrderBy(static variable => variable.Key, StringComparer.Ordinal))
        {
            if (!name.StartsWith(VariablePrefix, StringComparison.Ordinal) || name == "PAGESHARE_CONFIG")
            {
                continue;
            }

            var written = name[VariablePrefix.Length..];
            if (!written.Contains(SectionMark, StringComparison.Ordinal) && SettingNames.Find(Keys, written) is null)
            {
                // Other programs of PageShare have variables too, so this is no error.
                _warnings.Add($"The variable {name} is none of this host's and was not used.");
                continue;
            }

            ReadText($"variable {name}", written.Replace(SectionMark, ".", StringComparison.Ordinal), text);
        }
    }

    /// <summary>One value by its key.</summary>
    /// <exception cref="HostConfigurationException">There is no such key, or the value can't be used.</exception>
    public void ReadText(string source, string written, string text)
    {
        string[] parts = written.Split('.', 2);
        var name = SettingNames.Find(Keys, parts[0])
            ?? throw new HostConfigurationException(source, written, SettingNames.Unknown(Keys, parts[0]));
        if (name is "users" or "domains")
        {
            throw new HostConfigurationException(source, name,
                "who may do what stands in the configuration file alone.");
        }

        if (name is not ("engine" or "limits"))
        {
            Apply(name, Setting.OfText(source, name, text));
            return;
        }

        IEnumerable<string> inner = name == "engine" ? EngineSettings.Names : LimitTable.Keys;
        var asked = parts.Length == 2 ? parts[1] : "";
        var found = SettingNames.Find(inner, asked)
            ?? throw new HostConfigurationException(source, written, SettingNames.Unknown(inner, asked));
        ApplyInner(name, found, Setting.OfText(source, $"{name}.{found}", text));
    }

    /// <summary>What has been read, with defaults for the rest.</summary>
    public HostConfiguration Finish(IReadOnlyDictionary<string, string> environment) => _made with
    {
        Socket = _made.Socket.Length > 0 ? _made.Socket : SocketPath.Default(environment),
        Warnings = _warnings,
    };

    private void Apply(string name, Setting value)
    {
        switch (name)
        {
            case "socket":
                var path = value.Text("a path");
                var problem = SocketPath.Problem(path);
                value.Require(problem is null, problem ?? "");
                _made = _made with { Socket = path };
                break;
            case "http":
                _made = _made with { Http = value.IsNull ? null : AddressOf(value) };
                break;
            case "log":
                _made = _made with { Log = value.Word<LogLevel>() };
                break;
            case "engine" or "limits":
                value.Members(name == "engine" ? "engine settings" : "limits")
                    .ToList().ForEach(inner => ApplyInner(name, inner.Name, inner.Value));
                break;
            case "users":
                _made = _made with
                {
                    Users = value.Members("users")
                        .ToDictionary(static user => user.Name, static user => UserOf(user.Value)),
                };
                break;
            case "domains":
                _made = _made with
                {
                    Domains = value.Members("share domains")
                        .ToDictionary(static entry => entry.Name, static entry => DomainOf(entry.Name, entry.Value)),
                };
                break;
            default:
                throw new HostConfigurationException(value.Source, value.Key, SettingNames.Unknown(Keys, name));
        }
    }

    private void ApplyInner(string section, string name, Setting value)
    {
        IEnumerable<string> names = section == "engine" ? EngineSettings.Names : LimitTable.Keys;
        value.Require(names.Contains(name), SettingNames.Unknown(names, name).TrimEnd('.'));
        _made = section == "engine"
            ? _made with { Engine = EngineSettings.Apply(_made.Engine, name, value) }
            : _made with { Limits = LimitTable[name](_made.Limits, value) };
    }

    private static HttpAddress AddressOf(Setting value)
    {
        try
        {
            return HttpAddress.Parse(value.Text("null or an address such as \"http://127.0.0.1:9750\""));
        }
        catch (FormatException refusal)
        {
            throw new HostConfigurationException(value.Source, value.Key, refusal.Message, refusal);
        }
    }

    private static UserRule UserOf(Setting user)
    {
        var rule = new UserRule();
        foreach (var (name, value) in user.Members("rights"))
        {
            rule = name switch
            {
                "domains" => rule with { Domains = NamesOf(value) },
                "mostBytes" => rule with { MostBytes = value.Whole(0, long.MaxValue, "bytes (0: no limit)") },
                "mostGuests" => rule with { MostGuests = value.Count(0, "guests (0: no limit)") },
                "operator" => rule with { IsOperator = value.Switch() },
                _ => throw new HostConfigurationException(value.Source, value.Key,
                    SettingNames.Unknown(UserKeys, name)),
            };
        }

        return rule;
    }

    private static string[] NamesOf(Setting domains)
    {
        var items = domains.Items("share domains");
        domains.Require(items.Count > 0,
            "must name at least one share domain; leave it out to allow any of the user's own");
        return [.. items.Select(static item =>
        {
            var name = item.Text("a share domain's name");
            item.Require(DomainName.IsValid(name), $"is \"{name}\", but must be {DomainName.Allowed}");
            return name;
        })];
    }

    private static DomainRule DomainOf(string domain, Setting setting)
    {
        setting.Require(DomainName.IsValid(domain), $"the name must be {DomainName.Allowed}");
        IReadOnlyList<string>? users = null;
        foreach (var (name, value) in setting.Members("a domain's settings"))
        {
            users = name == "users"
                ? [.. value.Items("users").Select(static user => user.User())]
                : throw new HostConfigurationException(value.Source, value.Key, SettingNames.Unknown(DomainKeys, name));
        }

        setting.Require(users is { Count: > 0 }, "must say who is in it: { \"users\": [\"alice\", 1001] }");
        return new DomainRule(users!);
    }

    private static TimeSpan Timeout(Setting setting)
    {
        var time = setting.Duration();
        setting.Require(
            time >= TimeSpan.FromMilliseconds(100) && time <= TimeSpan.FromHours(1),
            "must be from \"100ms\" to \"1h\"");
        return time;
    }
}
