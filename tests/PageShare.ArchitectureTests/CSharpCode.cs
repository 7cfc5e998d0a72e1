using System.Text.RegularExpressions;

namespace PageShare.ArchitectureTests;

/// <summary>
/// Blanks comments, string texts and character literals out of C# source, so that a search for a word finds code only.
/// Lines and columns stay where they are. Code in the holes of interpolated strings is kept.
/// </summary>
internal sealed class CSharpCode
{
    private readonly string _source;
    private readonly char[] _code;

    private CSharpCode(string source)
    {
        _source = source;
        _code = source.ToCharArray();
    }

    public static string In(string source)
    {
        var code = new CSharpCode(source);
        code.ReadCode(0, inHole: false);
        return new string(code._code);
    }

    /// <summary>The matches of a pattern in a source's code, with their line numbers from 1.</summary>
    public static IEnumerable<(int Line, string Text)> Matches(string source, Regex pattern)
    {
        var code = In(source);
        return pattern.Matches(code).Select(match => (LineOf(code, match.Index), match.Value));
    }

    /// <summary>The line number, from 1, of an index.</summary>
    public static int LineOf(string text, int index) => text.AsSpan(0, index).Count('\n') + 1;

    // Reads code from i on; in a hole until the brace that closes it, whose index is the result.
    private int ReadCode(int i, bool inHole)
    {
        var depth = 0;
        while (i < _source.Length)
        {
            switch (_source[i])
            {
                case '/' when Next(i) == '/':
                    i = Blank(i, IndexOf("\n", i));
                    break;
                case '/' when Next(i) == '*':
                    i = Blank(i, IndexOf("*/", i + 2) + 2);
                    break;
                case '\'':
                    i = ReadCharacter(i);
                    break;
                case '"' or '$' or '@' when StringStartsAt(i, out var dollars, out var verbatim, out var quote):
                    i = ReadString(quote, dollars, verbatim);
                    break;
                case '}' when inHole && depth == 0:
                    return i;
                case '{':
                    depth++;
                    i++;
                    break;
                case '}':
                    depth--;
                    i++;
                    break;
                default:
                    i++;
                    break;
            }
        }

        return i;
    }

    private bool StringStartsAt(int i, out int dollars, out bool verbatim, out int quote)
    {
        (dollars, verbatim, quote) = (0, false, i);
        while (quote < _source.Length && _source[quote] is '$' or '@')
        {
            dollars += _source[quote] == '$' ? 1 : 0;
            verbatim |= _source[quote] == '@';
            quote++;
        }

        return quote < _source.Length && _source[quote] == '"';
    }

    private int ReadString(int quote, int dollars, bool verbatim)
    {
        var quotes = RunOf('"', quote);
        var isRaw = quotes >= 3 && !verbatim;
        if (!isRaw && quotes == 2)
        {
            return quote + 2;
        }

        var i = quote + (isRaw ? quotes : 1);
        while (i < _source.Length)
        {
            if (_source[i] == '"' && EndsAt(i, isRaw ? quotes : 1, verbatim, out var next))
            {
                return next;
            }

            var braces = dollars == 0 ? 0 : RunOf('{', i);
            var opens = isRaw ? braces >= dollars : braces % 2 == 1;
            if (braces > 0 && opens)
            {
                Blank(i, i + braces - 1);
                i = ReadCode(i + braces, inHole: true) + (isRaw ? dollars : 1);
                continue;
            }

            var length = _source[i] == '\\' && !verbatim && !isRaw ? 2
                : _source[i] == '"' ? Math.Max(1, RunOf('"', i))
                : Math.Max(1, braces);
            i = Blank(i, i + length);
        }

        return i;
    }

    // Whether the quotes at i close the string; in a verbatim string a pair of them is one quote of the text.
    private bool EndsAt(int i, int quotes, bool verbatim, out int next)
    {
        var run = RunOf('"', i);
        next = i + run;
        if (quotes > 1)
        {
            return run >= quotes;
        }

        if (!verbatim)
        {
            next = i + 1;
            return true;
        }

        return run % 2 == 1;
    }

    private int ReadCharacter(int i)
    {
        var end = i + 1;
        while (end < _source.Length && _source[end] is not ('\'' or '\n'))
        {
            end += _source[end] == '\\' ? 2 : 1;
        }

        return Blank(i + 1, end) + 1;
    }

    private int Blank(int from, int to)
    {
        to = Math.Min(to, _source.Length);
        for (var i = from; i < to; i++)
        {
            _code[i] = _source[i] == '\n' ? '\n' : ' ';
        }

        return to;
    }

    private char Next(int i) => i + 1 < _source.Length ? _source[i + 1] : '\0';

    private int IndexOf(string text, int from)
    {
        var index = _source.IndexOf(text, Math.Min(from, _source.Length), StringComparison.Ordinal);
        return index < 0 ? _source.Length : index;
    }

    private int RunOf(char character, int from)
    {
        var end = from;
        while (end < _source.Length && _source[end] == character)
        {
            end++;
        }

        return end - from;
    }
}
