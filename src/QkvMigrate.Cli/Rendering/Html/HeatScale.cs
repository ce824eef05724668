namespace QkvMigrate.Cli.Rendering.Html;

/// <summary>
/// Gives norms colours: dark for the smallest of a picture, bright for the largest, evenly on a logarithmic scale. The
/// colours are those of viridis (matplotlib), at nine points and straight between them: brightness grows evenly, and
/// the colour-blind see the same order.
/// </summary>
internal sealed class HeatScale
{
    private static readonly (int Red, int Green, int Blue)[] Points =
    [
        (0x44, 0x01, 0x54), (0x47, 0x2c, 0x7a), (0x3b, 0x51, 0x8b), (0x2c, 0x71, 0x8e), (0x21, 0x90, 0x8d),
        (0x27, 0xad, 0x81), (0x5c, 0xc8, 0x63), (0xaa, 0xdc, 0x32), (0xfd, 0xe7, 0x25),
    ];

    /// <summary>The scale of all <paramref name="norms"/> together.</summary>
    public HeatScale(IEnumerable<double> norms)
    {
        foreach (var norm in norms.Where(HasColour))
        {
            Smallest = Math.Min(Smallest, norm);
            Largest = Math.Max(Largest, norm);
        }
    }

    /// <summary>The smallest norm that has a colour; ∞ where none has.</summary>
    public double Smallest { get; } = double.PositiveInfinity;

    /// <summary>The largest norm that has a colour; 0 where none has.</summary>
    public double Largest { get; }

    /// <summary>The colour of <paramref name="norm"/> as <c>#rrggbb</c>, or null for a norm that is 0 or not finite.</summary>
    public string? Colour(double norm)
    {
        if (!HasColour(norm))
        {
            return null;
        }

        var range = Math.Log(Largest) - Math.Log(Smallest);
        var place = range > 0 ? Math.Clamp((Math.Log(norm) - Math.Log(Smallest)) / range, 0, 1) * (Points.Length - 1) : (Points.Length - 1) / 2.0;
        var below = Math.Min((int)place, Points.Length - 2);
        var (from, to, part) = (Points[below], Points[below + 1], place - below);
        return $"#{Mix(from.Red, to.Red):x2}{Mix(from.Green, to.Green):x2}{Mix(from.Blue, to.Blue):x2}";

        int Mix(int first, int second) => (int)Math.Round(first + ((second - first) * part));
    }

    private static bool HasColour(double norm) => norm > 0 && double.IsFinite(norm);
}
