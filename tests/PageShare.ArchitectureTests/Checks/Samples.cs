// What the checks of this project must find. Each type below breaks the rule "Left may not use Right" in one way only.
namespace Sample.Left
{
    internal sealed class ByField
    {
        internal Sample.Right.Tool? Tool;
    }

    internal sealed class ByBase : Sample.Right.Tool;

    internal sealed class ByConstraint<T> where T : Sample.Right.Tool;

    internal static class BySignature
    {
        internal static void Take(Span<Sample.Right.Tool> tools) => tools.Clear();
    }

    internal static class ByBody
    {
        internal static object Make() => new Sample.Right.Tool();
    }

    internal static class ByStaticCall
    {
        internal static int Ask() => Sample.Right.Tool.Answer();
    }

    internal static class ByGenericMethod
    {
        internal static object Make() => Activator.CreateInstance<Sample.Right.Tool>();
    }

    internal static class ByLambda
    {
        internal static Func<int, object> Maker(int seed) => add => seed + add == 0 ? seed : new Sample.Right.Tool();
    }

    internal static class ByTypeToken
    {
        internal static Type Kind() => typeof(Sample.Right.Tool);
    }

    internal static class ByTheOs
    {
        internal static bool Ask() => OperatingSystem.IsLinux();
    }

    internal static partial class ByImport
    {
        [System.Runtime.InteropServices.LibraryImport("c", EntryPoint = "getpid")]
        internal static partial int ProcessNumber();
    }

    internal static class Innocent
    {
        internal static string Text => "Sample.Right.Tool";
    }
}

namespace Sample.Right
{
    internal class Tool
    {
        internal static int Answer() => 42;

        internal object Use() => new Sample.Left.ByField { Tool = this };
    }
}
