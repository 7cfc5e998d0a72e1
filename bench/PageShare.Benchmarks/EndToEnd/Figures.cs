namespace PageShare.Benchmarks.EndToEnd;
internal static class Figures { public static int Run(string[] a) => a.Length; }
