using QkvMigrate.Cli.Terminals;
using Spectre.Console;

namespace QkvMigrate.Cli.Progress;

/// <summary>The columns of a progress bar, cut to a terminal's width so that no line wraps.</summary>
internal sealed class BarColumns
{
    /// <summary>What the numbers need: <c>100% 999.9/999.9 GB 999.9 MB/s 00:00:00</c> and the gaps before them.</summary>
    private const int NumbersWidth = 42;

    /// <summary>As above, of a terminal that is too narrow for more than percentage and time.</summary>
    private const int FewNumbersWidth = 14;

    private const int SmallestName = 16;
    private const int SmallestBar = 8;
    private const int LargestBar = 40;

    /// <summary>A no-break space: others are cut off, and the columns would move with the length of the names.</summary>
    private const char Filler = '\u00a0';

    private readonly int nameWidth;

    /// <param name="width">Columns of the terminal.</param>
    public BarColumns(int width)
    {
        // The last column stays free: some terminals wrap a line that fills it.
        var room = width - 1 - NumbersWidth;
        var bar = Math.Clamp(room * 2 / 5, 0, LargestBar);
        ProgressColumn name = new TaskDescriptionColumn { Alignment = Justify.Left };
        ProgressColumn percentage = new PercentageColumn { CompletedStyle = Style.Plain };
        ProgressColumn bytes = new DownloadedColumn { Base = FileSizeBase.Decimal };
        ProgressColumn rate = new TransferSpeedColumn { Base = FileSizeBase.Decimal };
        ProgressColumn left = new RemainingTimeColumn { Style = Style.Plain };
        (All, nameWidth) = bar >= SmallestBar ? ([name, Bar(bar), percentage, bytes, rate, left], room - bar)
            : room >= SmallestName ? ([name, percentage, bytes, rate, left], room)
            : ((ProgressColumn[])[name, percentage, left], Math.Max(SmallestName, width - 1 - FewNumbersWidth));
    }

    /// <summary>The columns.</summary>
    public ProgressColumn[] All { get; }

    /// <summary>What the name's column says: what is being done, and of the path what tells one file from another.</summary>
    public string Description(string prefix, string path) =>
        Markup.Escape($"{prefix}{ShortPath.Of(path, nameWidth - prefix.Length)}".PadRight(nameWidth, Filler));

    private static ProgressBarColumn Bar(int width) => new()
    {
        Width = width,
        CompletedStyle = Palette.Progress,
        FinishedStyle = Palette.Progress,
        RemainingStyle = Palette.Faint,
    };
}
