namespace PageShare.ArchitectureTests;

/// <summary>One type names another of the same assembly: in a base, a member's signature or a method's body.</summary>
/// <param name="FromNamespace">Namespace of the outermost type that contains the user.</param>
/// <param name="From">Full name of that outermost type.</param>
/// <param name="ToNamespace">Namespace of the outermost type that contains what is used.</param>
/// <param name="To">Full name of that outermost type.</param>
internal readonly record struct TypeUse(string FromNamespace, string From, string ToNamespace, string To);

/// <summary>A method body names a member of another assembly.</summary>
internal readonly record struct OutsideCall(string FromNamespace, string From, string Type, string Member);

/// <summary>A method that the runtime binds to a native library.</summary>
internal readonly record struct NativeImport(string FromNamespace, string From, string Method);

/// <summary>What an assembly's metadata and IL say; sources and <c>using</c> lines play no part.</summary>
internal sealed record AssemblyFacts(
    IReadOnlyCollection<TypeUse> Uses,
    IReadOnlyCollection<OutsideCall> OutsideCalls,
    IReadOnlyCollection<NativeImport> NativeImports)
{
    private static readonly (string Type, string MemberPrefix)[] OsChecks =
    [
        ("System.OperatingSystem", "Is"),
        ("System.Environment", "get_OSVersion"),
        ("System.Runtime.InteropServices.RuntimeInformation", "IsOSPlatform"),
        ("System.Runtime.InteropServices.RuntimeInformation", "get_OSDescription"),
        ("System.Runtime.InteropServices.RuntimeInformation", "get_RuntimeIdentifier"),
    ];

    /// <summary>Checks of the operating system outside the given namespace and those in it.</summary>
    public IEnumerable<string> OsChecksOutside(string @namespace) =>
        from call in OutsideCalls
        where !IsWithin(call.FromNamespace, @namespace)
        where OsChecks.Any(check => check.Type == call.Type
            && call.Member.StartsWith(check.MemberPrefix, StringComparison.Ordinal))
        select $"{call.From} asks {call.Type}.{call.Member}";

    /// <summary>P/Invoke methods outside the given namespace and those in it.</summary>
    public IEnumerable<string> NativeImportsOutside(string @namespace) =>
        from import in NativeImports
        where !IsWithin(import.FromNamespace, @namespace)
        select $"{import.From} imports {import.Method}";

    private static bool IsWithin(string name, string @namespace) =>
        name == @namespace || name.StartsWith(@namespace + ".", StringComparison.Ordinal);
}
