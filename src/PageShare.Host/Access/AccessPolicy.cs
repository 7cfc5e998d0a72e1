using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using PageShare.Host.Configuration;
using PageShare.Protocol.Messages;

namespace PageShare.Host.Access;

/// <summary>Who may do what: from the user id that the kernel tells of a connection, and the configuration.</summary>
/// <remarks>
/// <para>
/// Without configuration only the user that runs the host may connect, and is an operator. Users that the configuration
/// names, in <c>users</c> or in a domain, may connect too; <c>*</c> names all others.
/// </para>
/// <para>
/// Members of a share domain can map its whole store, and so read each other's shared pages. So the engine's name of a
/// domain has the user in it (<c>1001/default</c>), and two users share none, unless <c>domains</c> joins them: such a
/// domain has its own name (<c>web</c>), which nobody else can use. Clients' names have no slash.
/// </para>
/// <para>
/// Operators see and control all guests. What guests' pages hold is for two of them alone, who could read it anyway: the
/// host's own user and root. No configuration grants it to others.
/// </para>
/// <para>Pure: it asks nothing of the system. Immutable.</para>
/// </remarks>
internal sealed class AccessPolicy
{
    private const string Everybody = "*";

    private const uint Root = 0;

    private readonly uint _ownUser;
    private readonly string _defaultDomain;
    private readonly UserRule? _ruleOfOthers;
    private readonly Dictionary<uint, UserRule> _rules = [];
    private readonly Dictionary<string, HashSet<uint>> _members = new(StringComparer.Ordinal);
    private readonly HashSet<string> _open = new(StringComparer.Ordinal); // joined domains of everybody

    /// <param name="configuration">Rules.</param>
    /// <param name="ownUser">The user that runs the host.</param>
    /// <param name="names">Who is who.</param>
    /// <exception cref="HostConfigurationException">A rule names an unknown user, or two rules one user.</exception>
    public AccessPolicy(HostConfiguration configuration, uint ownUser, UserNames names)
    {
        _ownUser = ownUser;
        _defaultDomain = configuration.Engine.DefaultDomain;
        if (!DomainName.IsValid(_defaultDomain))
        {
            throw new HostConfigurationException(
                configuration.Source, "engine.defaultDomain",
                $"is \"{_defaultDomain}\", but in a host it must be {DomainName.Allowed}.");
        }

        foreach (var (domain, rule) in configuration.Domains)
        {
            _members[domain] = [];
            foreach (var user in rule.Users)
            {
                _ = user == Everybody
                    ? _open.Add(domain)
                    : _members[domain].Add(Resolve(configuration, $"domains.{domain}.users", user, names));
            }
        }

        foreach (var (user, rule) in configuration.Users)
        {
            if (user == Everybody)
            {
                _ruleOfOthers = rule;
                RequireMembership(configuration, user, null, rule);
                continue;
            }

            var id = Resolve(configuration, $"users.{user}", user, names);
            if (!_rules.TryAdd(id, rule))
            {
                throw new HostConfigurationException(
                    configuration.Source, $"users.{user}",
                    $"is user {id}, who has an entry already under another name.");
            }

            RequireMembership(configuration, user, id, rule);
        }
    }

    /// <summary>Whether anybody but the host's own user may connect: then the socket must be open to others.</summary>
    public bool AdmitsOthers =>
        _ruleOfOthers is not null || _open.Count > 0 || _rules.Keys.Concat(_members.Values.SelectMany(static m => m))
            .Any(user => user != _ownUser);

    /// <summary>What a user may do; null: not even connect.</summary>
    public UserRights? RightsOf(uint user)
    {
        var rule = _rules.GetValueOrDefault(user)
            ?? (user == _ownUser ? new UserRule(IsOperator: true) : _ruleOfOthers)
            ?? (IsNamedInADomain(user) ? new UserRule() : null);
        return rule is null ? null
            : new UserRights(
                user, rule.IsOperator, rule.MostBytes, rule.MostGuests, rule.Domains,
                ReadsMemory: rule.IsOperator && (user == _ownUser || user == Root));
    }

    /// <summary>The engine's domain for a new guest.</summary>
    /// <param name="rights">The user's.</param>
    /// <param name="asked">What the client calls it; null for the user's default.</param>
    /// <param name="domain">The engine's name.</param>
    /// <param name="refusal">Why not.</param>
    public bool TryFindDomain(
        UserRights rights,
        string? asked,
        [NotNullWhen(true)] out string? domain,
        [NotNullWhen(false)] out Refusal? refusal)
    {
        domain = null;
        refusal = null;
        var name = asked ?? rights.Domains?[0] ?? _defaultDomain;
        if (!DomainName.IsValid(name))
        {
            refusal = new Refusal(RefusalCode.Invalid, $"A share domain's name must be {DomainName.Allowed}.");
            return false;
        }

        if (_members.ContainsKey(name))
        {
            domain = IsMember(rights.User, name) ? name : null;
        }
        else if (rights.Domains?.Contains(name) ?? true)
        {
            domain = PrefixOf(rights) + name;
        }

        if (domain is null)
        {
            refusal = new Refusal(
                RefusalCode.NotAllowed,
                $"User {rights.User} may not use the share domain '{name}': the host's configuration grants it to "
                + "others, or not to this user.");
        }

        return domain is not null;
    }

    /// <summary>
    /// The domain of one guest alone: the user's own, even where the user's default is a joined one, since names are
    /// unique among one user's guests.
    /// </summary>
    /// <param name="rights">The user's.</param>
    /// <param name="domain">The engine's name of the domain that the guest would be in.</param>
    /// <param name="guest">The guest's name.</param>
    public static string DomainOfOneGuest(UserRights rights, string domain, string guest)
    {
        var mine = PrefixOf(rights);
        return $"{(domain.StartsWith(mine, StringComparison.Ordinal) ? "" : mine)}{domain}#{guest}";
    }

    /// <summary>The same as <see cref="TryFindDomain"/> for a guest that comes from another host, which named the domain as the engine does.</summary>
    public bool TryFindFormerDomain(
        UserRights rights,
        string former,
        [NotNullWhen(true)] out string? domain,
        [NotNullWhen(false)] out Refusal? refusal)
    {
        // The domain of a single guest ("1001/default#web-1") is the user's own as well.
        var mine = PrefixOf(rights);
        var (name, guest) = former.IndexOf('#', StringComparison.Ordinal) is >= 0 and var at
            ? (former[..at], former[(at + 1)..])
            : (former, null);
        if (!name.StartsWith(mine, StringComparison.Ordinal))
        {
            if (guest is null && _members.ContainsKey(name))
            {
                return TryFindDomain(rights, name, out domain, out refusal);
            }

            domain = null;
            refusal = new Refusal(
                RefusalCode.NotAllowed,
                $"User {rights.User} may not use the share domain in this host that the guest had in another.");
            return false;
        }

        if (!TryFindDomain(rights, name[mine.Length..], out domain, out refusal))
        {
            return false;
        }

        domain = guest is null ? domain : DomainOfOneGuest(rights, domain, guest);
        return true;
    }

    private static string PrefixOf(UserRights rights) =>
        string.Create(CultureInfo.InvariantCulture, $"{rights.User}/");

    private bool IsMember(uint user, string domain) => _open.Contains(domain) || _members[domain].Contains(user);

    private bool IsNamedInADomain(uint user) => _members.Keys.Any(domain => IsMember(user, domain));

    private static uint Resolve(HostConfiguration configuration, string key, string user, UserNames names) =>
        names.IdOf(user) ?? throw new HostConfigurationException(
            configuration.Source, key, $"there is no user \"{user}\" in /etc/passwd; a user id is allowed too.");

    /// <summary>A joined domain among a user's own names would be the user's alone by mistake.</summary>
    private void RequireMembership(HostConfiguration configuration, string user, uint? id, UserRule rule)
    {
        foreach (var domain in rule.Domains ?? [])
        {
            if (_members.ContainsKey(domain) && !(id is null ? _open.Contains(domain) : IsMember(id.Value, domain)))
            {
                throw new HostConfigurationException(
                    configuration.Source, $"users.{user}.domains",
                    $"names \"{domain}\", but domains.{domain}.users does not have the user: add \"{user}\" there.");
            }
        }
    }
}
