using System.Diagnostics.CodeAnalysis;

[assembly: SuppressMessage(
    "Design", "CA1001:Types that own disposable fields should be disposable",
    Scope = "namespaceanddescendants", Target = "~N:PageShare.Benchmarks",
    Justification = "BenchmarkDotNet knows no Dispose: its GlobalCleanup methods free what a benchmark owns.")]
