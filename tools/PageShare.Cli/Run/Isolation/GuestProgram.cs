using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;


namespace PageShare.Cli.Run.Isolation;

/// <summary>
/// The program of a guest's process: does what the run tells it over the control connection, and ends with it. The
/// guest's record lives here, beside its memory: the run hears the verdict, and never sees a byte.
/// </summary>
internal sealed class GuestProgram : IDisposable
{
    private readonly ControlChannel _control;
    private readonly FetchedFiles _files;
    private GuestClient? _client;
    private GuestPlan? _plan;
    private LoadedGuest? _guest;
    private SafeFileHandle? _digests;

    private GuestProgram(ControlChannel control, FetchedFiles files)
    {
        _control = control;
        _files = files;
    }

    /// <summary>Runs it to the end of the connection.</summary>
    /// <param name="controlPath">Where the run listens.</param>
    public static int Run(string controlPath)
    {
        try
        {
            using ControlChannel control = Connect(controlPath, forFiles: false);
            using var files = new FetchedFiles(Connect(controlPath, forFiles: true));
            using var program = new GuestProgram(control, files);
            program.Obey();
            return ExitCode.Success;
        }
        catch (Exception gone) when (gone is SocketException or IOException)
        {
            throw CommandException.Failed($"the run at {controlPath} is gone: {gone.Message}", gone);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _guest?.Workload.Dispose();
        _guest?.Guest.Dispose();
        _client?.Dispose();
        _digests?.Dispose();
    }

    private static ControlChannel Connect(string path, bool forFiles)
    {
        ControlChannel channel = ControlChannel.Connect(path);
        channel.Send(ControlKind.Hello, new HelloBody(forFiles), ControlJson.Default.HelloBody);
        return channel;
    }

    private void Obey()
    {
        while (_control.Receive() is ControlMessage order)
        {
            try
            {
                Carry(order);
            }
            catch (CommandException refused)
            {
                Fail(refused.Message, refused.ExitCode);
            }
            catch (Exception unexpected) when (unexpected is not OutOfMemoryException)
            {
                // With its trace: it is a fault of ours, and only this process knows where.
                Fail(unexpected.ToString(), ExitCode.Failed);
            }
        }
    }

    private void Carry(ControlMessage order)
    {
        switch (order.Kind)
        {
            case ControlKind.Prepare:
                Prepare(order.Read(ControlJson.Default.PrepareBody), order.Descriptors);
                Answer(ControlKind.Prepared);
                break;
            case ControlKind.Load:
                LoadedGuest loading = Prepared();
                using (_digests)
                {
                    new GuestLoader(new DigestFile(_digests!)).Load(
                        loading.Guest, _plan!, loading.Record, CancellationToken.None);
                }

                Answer(ControlKind.Loaded);
                break;
            case ControlKind.StartWork:
                Prepared().Workload.Start();
                break;
            case ControlKind.StopWork:
                GuestWorkload work = Prepared().Workload;
                work.Stop();
                _control.Send(
                    ControlKind.WorkStopped,
                    new WorkBody(work.PagesWritten, work.PagesRead, work.Fault),
                    ControlJson.Default.WorkBody);
                break;
            case ControlKind.Verify:
                _control.Send(
                    ControlKind.Verified,
                    Verification.Verify(Prepared().Guest, Prepared().Record),
                    ControlJson.Default.GuestVerdict);
                break;
            default:
                throw new InvalidDataException($"a run does not send {order.Kind}");
        }
    }

    private void Prepare(PrepareBody body, IReadOnlyList<SafeFileHandle> descriptors)
    {
        using (var file = new FileStream(descriptors[0], FileAccess.Read))
        {
            file.Position = 0; // the run's writing has left it at the end
            _plan = PlanFile.Read(file, body.Name, _files.Open);
        }

        _digests = descriptors[1];
        MappedGuest memory = Attempts.Try(
            $"guest {body.Name} of {Quantity.Bytes(_plan.Bytes)} can't be allocated by the host",
            () =>
            {
                _client = GuestClient.Connect(body.HostSocket);
                return _client.Allocate(
                    body.Name, _plan.Bytes, new GuestOptions { Domain = body.Domain, FaultMode = body.FaultMode });
            });
        var record = new GuestRecord(_plan, body.Seed);
        var rates = new WorkRates(body.ReadsPerSecond, body.WritesPerSecond);
        var workload = new GuestWorkload(memory, record, rates, GuestPlans.WorkSeedOf(body.Seed), OnFault);
        _guest = new LoadedGuest(memory, record, workload);
    }

    private LoadedGuest Prepared() => _guest ?? throw new InvalidDataException("a run prepares a guest first");

    private void OnFault() => Answer(ControlKind.Faulted);

    private void Answer(ControlKind kind) => _control.Send(kind, new EmptyBody(), ControlJson.Default.EmptyBody);

    private void Fail(string message, int exitCode) =>
        _control.Send(ControlKind.Failed, new FailedBody(message, exitCode), ControlJson.Default.FailedBody);
}
