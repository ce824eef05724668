using QkvMigrate.Attention;
using Spectre.Console;

namespace QkvMigrate.Cli.Terminals;

/// <summary>
/// The colours, of the 256 that terminals agree on. Blocks bring their own background, and plain text uses colours of
/// middling brightness, so that either can be read on a dark and on a light terminal; q, k and v are Okabe and Ito's
/// blue, orange and green, which the colour-blind tell apart.
/// </summary>
internal static class Palette
{
    /// <summary>The part of a bar that is done.</summary>
    public static Style Progress { get; } = new(Color.FromInt32(32));

    /// <summary>What matters less.</summary>
    public static Style Faint { get; } = new(Color.FromInt32(244));

    /// <summary>What a user must see.</summary>
    public static Style Warning { get; } = new(Color.FromInt32(166), decoration: Decoration.Bold);

    /// <summary>Names of files.</summary>
    public static Style Title { get; } = new(decoration: Decoration.Bold);

    /// <summary>A head of q, k or v.</summary>
    public static Style Block(QkvSection section) => section switch
    {
        QkvSection.Query => new Style(Color.FromInt32(231), Color.FromInt32(25)),
        QkvSection.Key => new Style(Color.FromInt32(16), Color.FromInt32(214)),
        _ => new Style(Color.FromInt32(16), Color.FromInt32(36)),
    };
}
