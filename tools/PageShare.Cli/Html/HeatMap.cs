using System.Text;

namespace PageShare.Cli.Html;

/// <summary>The address spaces of guests: a cell for some pages, coloured by what most of them are.</summary>
/// <param name="title">What it shows.</param>
/// <param name="description">What is to be seen in it.</param>
/// <param name="hasVolatile">Whether it is known which pages change.</param>
internal sealed class HeatMap(string title, string description, bool hasVolatile) : Figure(title, description)
{
    private const int MostGuests = 16;
    private const int NameHeight = 20;
    private const int Gap = 12;
    private const int ColumnsWide = 64;
    private const int ColumnsNarrow = 32;

    // Of a letter as wide as most, and of what is said behind a name.
    private const int CharacterWidth = 8;
    private const int SizeWidth = 80;

    private readonly List<(string Name, AddressMap Map)> _guests = [];

    private static PageUse[] Uses => Enum.GetValues<PageUse>();

    /// <inheritdoc/>
    protected override HtmlTable? Table
    {
        get
        {
            PageUse[] uses = [.. Uses.Where(use => hasVolatile || use != PageUse.Volatile)];
            var table = new HtmlTable("Pages by use", ["guest", "pages", .. uses.Select(NameOf)]);
            foreach ((string name, AddressMap map) in _guests)
            {
                table.Row([name, Quantity.Count(map.Pages), .. uses.Select(use => Quantity.Count(map[use]))]);
            }

            return table;
        }
    }

    /// <inheritdoc/>
    protected override IEnumerable<LegendEntry> Legend => Uses
        .Where(use => hasVolatile || use != PageUse.Volatile)
        .Select(use => new LegendEntry(NameOf(use), NameOf(use)));

    /// <summary>Whether there is nothing to draw.</summary>
    public bool IsEmpty => _guests.Count == 0;

    /// <summary>Adds a guest; of very many only the first are drawn, and all are in the table.</summary>
    public void Guest(string name, AddressMap map) => _guests.Add((name, map));

    /// <inheritdoc/>
    protected override int Draw(StringBuilder svg, DrawingSize size)
    {
        int columns = size.IsNarrow ? ColumnsNarrow : ColumnsWide;
        double cell = (double)size.Width / columns;
        double height = cell * (size.IsNarrow ? 0.5 : 0.75);
        double top = 0;
        foreach ((string name, AddressMap map) in _guests.Take(MostGuests))
        {
            Text(svg, 0, top + 13, $"{Shortened(name, size)}: {Quantity.Pages(map.Pages)}", "start", "strong");
            top += NameHeight;
            for (int first = 0, end; first < map.Cells; first = end)
            {
                // Neighbours of one use, up to the end of the row, are one rectangle.
                end = first + 1;
                while (end < map.Cells && end % columns != 0 && map.UseOf(end) == map.UseOf(first))
                {
                    end++;
                }

                if (map.UseOf(first) is PageUse use)
                {
                    svg.Append($"<rect class=\"{NameOf(use)}\" shape-rendering=\"crispEdges\" "
                        + $"x=\"{HtmlText.Number(first % columns * cell)}\" "
                        + $"y=\"{HtmlText.Number(top + (first / columns * height))}\" "
                        + $"width=\"{HtmlText.Number((end - first) * cell)}\" height=\"{HtmlText.Number(height)}\"/>\n");
                }
            }

            top += (((map.Cells - 1) / columns) + 1) * height;
            top += Gap;
        }

        return (int)Math.Ceiling(top);
    }

    /// <summary>The end of a long name, which is what tells paths apart.</summary>
    private static string Shortened(string name, DrawingSize size)
    {
        int most = (size.Width - SizeWidth) / CharacterWidth;
        return name.Length <= most ? name : $"…{name[^(most - 1)..]}";
    }

    private static string NameOf(PageUse use) => use.ToString().ToLowerInvariant();
}
