using Microsoft.Win32.SafeHandles;

namespace PageShare.Cli.Run.Isolation;

/// <summary>Gives one guest process descriptors of its input files, by their numbers in its plan and of no other
/// file.</summary>
internal sealed class FileServer : IDisposable
{
    private readonly ControlChannel _channel;
    private readonly IReadOnlyList<InputFile> _files;
    private readonly Thread _thread;

    /// <summary>Begins to serve.</summary>
    public FileServer(ControlChannel channel, IReadOnlyList<InputFile> files, string guest)
    {
        _channel = channel;
        _files = files;
        _thread = new Thread(Serve) { Name = $"files of {guest}", IsBackground = true };
        _thread.Start();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _channel.Shutdown();
        _thread.Join();
        _channel.Dispose();
    }

    private void Serve()
    {
        try
        {
            while (_channel.Receive() is ControlMessage { Kind: ControlKind.Fetch } asked)
            {
                Answer(asked.Read(ControlJson.Default.FetchBody).File);
            }
        }
        catch (IOException)
        {
            // The guest is gone, which its own connection says better.
        }
    }

    private void Answer(int number)
    {
        try
        {
            using SafeFileHandle handle = _files[number].Open();
            _channel.Send(ControlKind.Fetched, new EmptyBody(), ControlJson.Default.EmptyBody, handle);
        }
        catch (CommandException refused)
        {
            _channel.Send(
                ControlKind.Failed, new FailedBody(refused.Message, refused.ExitCode), ControlJson.Default.FailedBody);
        }
    }
}
