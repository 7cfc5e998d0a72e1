using System.Globalization;
using PageShare.TestKit;
using PageShare.TestKit.Points;

namespace PageShare.CrashProbe.Isolated;

/// <summary>
/// Holds whoever comes to a place, and says whether somebody has: <c>park PLACE [NUMBER]</c>, <c>parked PLACE</c>,
/// <c>open PLACE</c>. A place is a <see cref="TestPoint"/>, with the page, or what stands for it there, or a
/// <see cref="MemoryStep"/> of a host's stores.
/// </summary>
internal sealed class ParkedPlaces
{
    private readonly Dictionary<TestPoint, Gate> _gates = [];
    private int _step = -1; // a MemoryStep; written by the thread that talks, read by all others
    private volatile bool _isStepReached;

    /// <summary>What a platform is to tell of each step.</summary>
    public void Pass(MemoryStep step)
    {
        if (Volatile.Read(ref _step) == (int)step)
        {
            _isStepReached = true;
            using var never = new ManualResetEventSlim();
            never.Wait(); // until the process is killed
        }
    }

    /// <summary>Does one of the above; false if it is something else.</summary>
    public bool TryDo(string[] words, out string answer)
    {
        answer = "";
        if (words is not ["park" or "parked" or "open", var place, ..])
        {
            return false;
        }

        if (Enum.TryParse<MemoryStep>(place, out var step))
        {
            answer = words[0] == "park" ? Park(step) : _isStepReached.ToString();
            return true;
        }

        var point = Enum.Parse<TestPoint>(place);
        switch (words[0])
        {
            case "park":
                _gates[point] = Gate.Stop(
                    point, words.Length > 2 ? long.Parse(words[2], CultureInfo.InvariantCulture) : null);
                break;
            case "parked":
                answer = _gates[point].HasSeen(1).ToString();
                break;
            default:
                _gates[point].Dispose();
                break;
        }

        return true;
    }

    private string Park(MemoryStep step)
    {
        Volatile.Write(ref _step, (int)step);
        return "";
    }
}
