using System.Text.RegularExpressions;

namespace PageShare.ArchitectureTests;

/// <summary>A file's path from the repository's root, with forward slashes, and its text.</summary>
internal readonly record struct SourceFile(string Path, string Text);

/// <summary>Rules about single source files. Each yields one line per violation, and nothing for a clean
/// file.</summary>
internal static partial class SourceRules
{
    public const int MostLines = 400;

    // A block's comment stands above it or opens it; a member's may follow its signature.
    private const int LinesAboveUnsafe = 12;
    private const int LinesBelowUnsafe = 12;

    public static IEnumerable<string> TooLong(SourceFile file)
    {
        var lines = file.Text.AsSpan().TrimEnd('\n').Count('\n') + 1;
        return lines > MostLines ? [$"{file.Path} has {lines} lines"] : [];
    }

    public static IEnumerable<string> OsChecks(SourceFile file) => Found(file, OsCheck());

    public static IEnumerable<string> NativeImports(SourceFile file) => Found(file, Import());

    public static IEnumerable<string> Waits(SourceFile file) => Found(file, Wait());

    public static IEnumerable<string> UnsafeOutsideAllowList(SourceFile file) =>
        UnsafeAllowList.Covers(file.Path) ? [] : Found(file, Unsafe());

    /// <summary>
    /// An unsafe block or member needs a SAFETY comment around its opening, an unsafe type one somewhere in its file,
    /// since there the comments stand at the members. What only names pointers needs none: a signature without a body,
    /// or a type that neither follows, makes nor converts a pointer.
    /// </summary>
    public static IEnumerable<string> UnsafeWithoutSafety(SourceFile file)
    {
        var code = CSharpCode.In(file.Text);
        var safety = Safety().Matches(file.Text).Select(match => CSharpCode.LineOf(file.Text, match.Index)).ToArray();
        foreach (Match match in Unsafe().Matches(code))
        {
            var line = CSharpCode.LineOf(code, match.Index);
            var rest = code.AsSpan(match.Index + match.Length);
            var isType = TypeHeader().IsMatch(rest);
            if (isType ? !PointerWork().IsMatch(rest) : Signature().IsMatch(rest))
            {
                continue;
            }

            var isExplained = isType
                ? safety.Length > 0
                : safety.Any(at => at >= line - LinesAboveUnsafe && at <= line + LinesBelowUnsafe);
            if (!isExplained)
            {
                yield return $"{file.Path}:{line}: unsafe without a SAFETY comment";
            }
        }
    }

    private static IEnumerable<string> Found(SourceFile file, Regex pattern) => CSharpCode
        .Matches(file.Text, pattern)
        .Select(match => $"{file.Path}:{match.Line}: {match.Text}");

    [GeneratedRegex(@"\bunsafe\b")]
    private static partial Regex Unsafe();

    [GeneratedRegex(@"^\s*(?:\w+\s+)*(?:class|struct|interface|record)\s+\w")]
    private static partial Regex TypeHeader();

    // A member access, a dereference where an operand stands, a conversion, a pin, or raw memory.
    [GeneratedRegex(
        @"->|[=(,{!?:;&|<>+-]\s*\*\s*[\w(]|\(\s*\w+\s*\*+\s*\)|\b(?:fixed|stackalloc|Unsafe|NativeMemory|Marshal)\b"
        + @"|Span<[^<>]*>\(")]
    private static partial Regex PointerWork();

    // Ends in a semicolon before any body begins.
    [GeneratedRegex(@"^[^{};=]*\([^{};]*\)[^{};=]*;")]
    private static partial Regex Signature();

    [GeneratedRegex(@"//\s*SAFETY:")]
    private static partial Regex Safety();

    [GeneratedRegex(
        @"\bOperatingSystem\s*\.\s*Is\w*|\bIsOSPlatform\w*|\bEnvironment\s*\.\s*OSVersion|\bOSDescription\b")]
    private static partial Regex OsCheck();

    [GeneratedRegex(@"\[\s*(?:\w+\s*:\s*)?(?:DllImport|LibraryImport)\w*")]
    private static partial Regex Import();

    [GeneratedRegex(@"\bThread\s*\.\s*Sleep\b|\bTask\s*\.\s*Delay\b")]
    private static partial Regex Wait();
}
