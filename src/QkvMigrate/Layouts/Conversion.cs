namespace QkvMigrate.Layouts;

/// <summary>What is rewritten into what.</summary>
/// <param name="Name">The word for it in records.</param>
/// <param name="From">The family of the source.</param>
/// <param name="To">The family of the result.</param>
public sealed record Conversion(string Name, LayoutFamily From, LayoutFamily To)
{
    /// <summary>Legacy to current.</summary>
    public static Conversion Upgrade { get; } = new("upgrade", LayoutFamilies.Interleaved, LayoutFamilies.Sequential);

    /// <summary>Current to legacy.</summary>
    public static Conversion Downgrade { get; } = new("downgrade", LayoutFamilies.Sequential, LayoutFamilies.Interleaved);

    /// <summary>Whether the result is what today's LitGPT reads.</summary>
    public bool IsUpgrade => To.Age == LitGptAge.Current;

    /// <summary>The conversion that undoes this one.</summary>
    internal Conversion Inverse => IsUpgrade ? Downgrade : Upgrade;

    /// <summary>The conversion of a word, or null.</summary>
    internal static Conversion? Named(string name) => name == Upgrade.Name ? Upgrade : name == Downgrade.Name ? Downgrade : null;

    /// <summary>A key or module path with the module's name in the result's family; any other path as it is.</summary>
    public string Renamed(string path) => FusedNames.Renamed(path, From, To);
}
