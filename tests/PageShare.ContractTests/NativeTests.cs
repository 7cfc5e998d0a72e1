using System.Diagnostics;

namespace PageShare.ContractTests;

/// <summary>The shim's own tests in C, which run in processes of their own: native-interop/tests.</summary>
public sealed class NativeTests
{
    [Fact]
    public async Task AllPass()
    {
        Assert.SkipUnless(Platform.HostPlatform.IsLinux, "needs Linux: the tests in C are not built elsewhere.");
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "pageshare_native_tests"))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var cancellation = TestContext.Current.CancellationToken;
        using var process = Process.Start(start)!;
        try
        {
            var errors = process.StandardError.ReadToEndAsync(cancellation);
            var output = await process.StandardOutput.ReadToEndAsync(cancellation);
            await process.WaitForExitAsync(cancellation);

            var notOk = output.Split('\n').Where(static line => !line.StartsWith("ok ", StringComparison.Ordinal));
            Assert.True(process.ExitCode == 0, $"{string.Join('\n', notOk)}\n{await errors}");
            var skipped = notOk.Where(static line => line.StartsWith("skipped ", StringComparison.Ordinal)).ToList();
            Assert.SkipWhen(skipped.Count > 0, $"needs more than this machine allows: {string.Join("; ", skipped)}");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
