using PageShare.Host.Access;
using PageShare.Host.Configuration;
using PageShare.Protocol.Messages;

namespace PageShare.UnitTests.Host;

public sealed class AccessPolicyTests
{
    private const uint Own = 900;
    private const uint Alice = 1001;
    private const uint Bob = 1002;

    private static readonly UserNames Names = new(
        ["root:x:0:0::/root:/bin/sh", "alice:x:1001:1001:::", "bob:x:1002:1002:::", "broken"]);

    [Fact]
    public void WithoutConfigurationOnlyTheOwnUserMayConnectAndIsAnOperator()
    {
        var policy = Policy(new HostConfiguration());
        Assert.Null(policy.RightsOf(Alice));
        Assert.Null(policy.RightsOf(0));
        Assert.True(policy.RightsOf(Own)!.IsOperator);
        Assert.False(policy.AdmitsOthers);
    }

    [Fact]
    public void WhatPagesHoldIsForTheOwnUserAndRootAloneAndNoConfigurationGrantsIt()
    {
        var policy = Policy(new HostConfiguration
        {
            Users = Rules(("root", new() { IsOperator = true }), ("alice", new() { IsOperator = true }), ("bob", new())),
        });
        Assert.True(policy.RightsOf(Own)!.ReadsMemory);
        Assert.True(policy.RightsOf(0)!.ReadsMemory);
        Assert.True(policy.RightsOf(Alice)!.IsOperator);
        Assert.False(policy.RightsOf(Alice)!.ReadsMemory);
        Assert.False(policy.RightsOf(Bob)!.ReadsMemory);
        Assert.False(Policy(new HostConfiguration { Users = Rules(("root", new())) }).RightsOf(0)!.ReadsMemory);
    }

    [Fact]
    public void GuestsOfDifferentUsersAreInDifferentDomainsThoughTheyNameThemAlike()
    {
        var policy = Policy(new HostConfiguration { Users = Rules(("alice", new()), ("bob", new())) });
        Assert.Equal("1001/default", Domain(policy, Alice, null));
        Assert.Equal("1002/default", Domain(policy, Bob, null));
        Assert.Equal("1001/web", Domain(policy, Alice, "web"));
        Assert.Equal("1002/web", Domain(policy, Bob, "web"));
        Assert.Equal("900/web", Domain(policy, Own, "web"));
        Assert.True(policy.AdmitsOthers);
    }

    [Fact]
    public void ConfigurationJoinsUsersInADomainThatNobodyElseCanUse()
    {
        var policy = Policy(new HostConfiguration
        {
            Users = Rules(("*", new())),
            Domains = Joined(("web", ["alice", "1002"])),
        });
        Assert.Equal("web", Domain(policy, Alice, "web"));
        Assert.Equal("web", Domain(policy, Bob, "web"));
        Assert.Equal(RefusalCode.NotAllowed, Refusal(policy, 1003, "web").Code);
        Assert.Equal(RefusalCode.NotAllowed, Refusal(policy, Own, "web").Code);
        Assert.Equal("1003/default", Domain(policy, 1003, null));
    }

    [Fact]
    public void UsersThatADomainNamesMayConnect()
    {
        var policy = Policy(new HostConfiguration { Domains = Joined(("web", ["alice"])) });
        Assert.NotNull(policy.RightsOf(Alice));
        Assert.False(policy.RightsOf(Alice)!.IsOperator);
        Assert.Null(policy.RightsOf(Bob));
        Assert.True(Policy(new HostConfiguration { Domains = Joined(("all", ["*"])) }).AdmitsOthers);
        Assert.False(Policy(new HostConfiguration { Domains = Joined(("all", ["900"])) }).AdmitsOthers);
    }

    [Fact]
    public void TheFirstDomainOfARuleIsTheUsersDefaultAndOthersAreRefused()
    {
        var policy = Policy(new HostConfiguration
        {
            Users = Rules(("alice", new UserRule(Domains: ["web", "own"]))),
            Domains = Joined(("web", ["alice"])),
        });
        Assert.Equal("web", Domain(policy, Alice, null));
        Assert.Equal("1001/own", Domain(policy, Alice, "own"));
        Assert.Equal(RefusalCode.NotAllowed, Refusal(policy, Alice, "default").Code);
    }

    [Theory]
    [InlineData("1002/default")]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("x#1")]
    [InlineData("../web")]
    public void AClientCannotNameADomainAsTheEngineDoes(string name)
    {
        var policy = Policy(new HostConfiguration { Users = Rules(("*", new())) });
        Assert.Equal(RefusalCode.Invalid, Refusal(policy, Alice, name).Code);
    }

    [Theory]
    [InlineData("1001/default", "1001/default")]
    [InlineData("1001/default#web-1", "1001/default#web-1")]
    [InlineData("web", "web")]
    [InlineData("1002/default", null)]
    [InlineData("1002/default#web-1", null)]
    [InlineData("web#1", null)]
    [InlineData("1001/web#1", "1001/web#1")]
    [InlineData("default", null)]
    [InlineData("1001/web", "web")]
    [InlineData("1001/../1002/default", null)]
    public void AGuestOfAFormerHostComesBackToADomainOfItsOwnOnly(string former, string? expected)
    {
        var policy = Policy(new HostConfiguration
        {
            Users = Rules(("*", new())),
            Domains = Joined(("web", ["alice"])),
        });
        var isFound = policy.TryFindFormerDomain(policy.RightsOf(Alice)!, former, out var domain, out var refusal);
        Assert.Equal(expected, domain);
        Assert.Equal(expected is not null, isFound);
        Assert.Equal(expected is null, refusal is not null);
    }

    [Fact]
    public void TheDomainOfOneGuestIsNoOtherUsersEvenWhereDefaultsAreJoined()
    {
        var policy = Policy(new HostConfiguration { Users = Rules(("*", new())), Domains = Joined(("web", ["*"])) });
        var (alice, bob) = (policy.RightsOf(Alice)!, policy.RightsOf(Bob)!);
        Assert.Equal("1001/default#a", AccessPolicy.DomainOfOneGuest(alice, "1001/default", "a"));
        Assert.Equal("1001/web#a", AccessPolicy.DomainOfOneGuest(alice, "web", "a"));
        Assert.NotEqual(
            AccessPolicy.DomainOfOneGuest(alice, "web", "a"), AccessPolicy.DomainOfOneGuest(bob, "web", "a"));
    }

    [Fact]
    public void AnExplicitRuleForTheOwnUserIsTakenAsItStands()
    {
        var policy = Policy(new HostConfiguration { Users = Rules(("900", new UserRule(MostGuests: 2))) });
        Assert.False(policy.RightsOf(Own)!.IsOperator);
        Assert.Equal(2, policy.RightsOf(Own)!.MostGuests);
        Assert.False(policy.AdmitsOthers);
    }

    [Fact]
    public void MistakesInTheRulesAreNamed()
    {
        AssertMistake("users.carol", "there is no user \"carol\"", new() { Users = Rules(("carol", new())) });
        AssertMistake("domains.web.users", "there is no user \"carol\"",
            new() { Domains = Joined(("web", ["carol"])) });
        AssertMistake("users.1001", "has an entry already", new() { Users = Rules(("alice", new()), ("1001", new())) });
        AssertMistake(
            "users.bob.domains", "add \"bob\" there",
            new() { Users = Rules(("bob", new UserRule(Domains: ["web"]))), Domains = Joined(("web", ["alice"])) });
        AssertMistake("engine.defaultDomain", "letters, digits",
            new() { Engine = new EngineOptions { DefaultDomain = "a b" } });
    }

    [Fact]
    public void UsersAreDescribedByNameAndNumber()
    {
        Assert.Equal("alice (1001)", Names.Describe(Alice));
        Assert.Equal("4000", Names.Describe(4000));
        Assert.Equal(0U, Names.IdOf("root"));
        Assert.Null(Names.IdOf("nobody-here"));
    }

    private static void AssertMistake(string key, string part, HostConfiguration configuration)
    {
        var refusal = Assert.Throws<HostConfigurationException>(() => Policy(configuration));
        Assert.Equal(key, refusal.Key);
        Assert.Contains(part, refusal.Message, StringComparison.Ordinal);
    }

    private static AccessPolicy Policy(HostConfiguration configuration) => new(configuration, Own, Names);

    private static string Domain(AccessPolicy policy, uint user, string? asked)
    {
        Assert.True(policy.TryFindDomain(policy.RightsOf(user)!, asked, out var domain, out _));
        return domain!;
    }

    private static Refusal Refusal(AccessPolicy policy, uint user, string asked)
    {
        Assert.False(policy.TryFindDomain(policy.RightsOf(user)!, asked, out _, out var refusal));
        return refusal!;
    }

    private static Dictionary<string, UserRule> Rules(params (string User, UserRule Rule)[] rules) =>
        rules.ToDictionary(static rule => rule.User, static rule => rule.Rule);

    private static Dictionary<string, DomainRule> Joined(params (string Domain, string[] Users)[] domains) =>
        domains.ToDictionary(static domain => domain.Domain, static domain => new DomainRule(domain.Users));
}
