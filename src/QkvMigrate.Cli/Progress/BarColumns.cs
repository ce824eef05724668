using QkvMigrate.Cli.Terminals;
using Spectre.Console;

namespace QkvMigrate.Cli.Progress;

/// <summary>The columns of a progress bar, cut to a terminal's width so that no line wraps.</summary>
internal sealed class BarColumns
{
    /// <summary>What the numbers need: <c>100% 999.9/999.9 GB 999.9 MB/s 00:00:00</c> and the gaps before them.</summary>
    private const int NumbersWidth = 42;

    private const int SmallestName = 16;
    private const int SmallestBar = 8;

    private const string Cut = "...";

    private readonly int nameWidth;

    /// <param name="width">Columns of the terminal.</param>
    public BarColumns(int width)
    {
        var room = width - NumbersWidth - 1;
        var bar = Math.Clamp(room * 2 / 5, 0, 40);
        nameWidth = Math.Max(SmallestName, room - bar);
        ProgressColumn name = new TaskDescriptionColumn { Alignment = Justify.Left };
        ProgressColumn[] numbers =
        [
            new PercentageColumn { CompletedStyle = Style.Plain },
            new DownloadedColumn { Base = FileSizeBase.Decimal },
            new TransferSpeedColumn { Base = FileSizeBase.Decimal },
            new RemainingTimeColumn { Style = Style.Plain },
        ];
        ProgressColumn strip = new ProgressBarColumn
        {
            Width = bar,
            CompletedStyle = Palette.Progress,
            FinishedStyle = Palette.Progress,
            RemainingStyle = Palette.Faint,
        };
        All = bar < SmallestBar ? [name, .. numbers] : [name, strip, .. numbers];
    }

    /// <summary>The columns.</summary>
    public ProgressColumn[] All { get; }

    /// <summary>What the name's column says: what is being done, and the end of the name, which tells more than its start.</summary>
    public string Description(string prefix, string name)
    {
        var room = nameWidth - prefix.Length;
        var shown = name.Length <= room ? name : $"{Cut}{name[^Math.Max(0, room - Cut.Length)..]}";
        return Markup.Escape($"{prefix}{shown}".PadRight(nameWidth));
    }
}
