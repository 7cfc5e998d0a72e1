using PageShare;
using TestGuest;

// An in-memory key-value table that lives entirely in memory which a PageShare host shares with others. Start a host,
// and two of these:
//
//     pageshare host --socket /tmp/host.sock
//     dotnet run --project tools/examples/TestGuest -- --socket /tmp/host.sock --name one
//     dotnet run --project tools/examples/TestGuest -- --socket /tmp/host.sock --name two
//
// Type "fill 100000" in both, wait a moment, and "stat" shows what they share. Kill the host: both go on.

const long InitialBytes = 1 << 20;
const long MostBytes = 1L << 30;

string? Option(string name) => args.SkipWhile(word => word != name).Skip(1).FirstOrDefault();

if (Option("--socket") is not { } socket)
{
    Console.Error.WriteLine($"usage: TestGuest --socket PATH [--name NAME] [--domain DOMAIN]\ncommands: {Commands.Help}");
    return 2;
}

try
{
    using var client = GuestClient.Connect(socket);
    using var memory = client.Allocate(
        Option("--name") ?? $"test-guest-{Environment.ProcessId}",
        InitialBytes,
        new GuestOptions { Domain = Option("--domain"), MaximumBytes = MostBytes });
    var heap = new GuestHeap(memory);
    var commands = new Commands(memory, heap, new KeyValueTable(heap));
    while (Console.ReadLine() is { } line && commands.TryRun(line, out var answer))
    {
        Console.WriteLine(answer);
    }

    return 0;
}
catch (IOException problem)
{
    Console.Error.WriteLine(problem.Message); // no host, or it refused
    return 1;
}
