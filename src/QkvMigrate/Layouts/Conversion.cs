namespace QkvMigrate.Layouts;

/// <summary>What is rewritten into what: the two families that a direction stands for.</summary>
/// <param name="From">The family of the source.</param>
/// <param name="To">The family of the result.</param>
public sealed record Conversion(LayoutFamily From, LayoutFamily To)
{
    /// <summary>Legacy to current.</summary>
    public static Conversion Upgrade { get; } = new(LayoutFamilies.Interleaved, LayoutFamilies.Sequential);

    /// <summary>Current to legacy.</summary>
    public static Conversion Downgrade { get; } = new(LayoutFamilies.Sequential, LayoutFamilies.Interleaved);

    /// <summary>Whether the result is what today's LitGPT reads.</summary>
    public bool IsUpgrade => To.Age == LitGptAge.Current;

    /// <summary>The conversion that a user's word stands for.</summary>
    public static Conversion Of(MigrationDirection direction) => direction == MigrationDirection.Upgrade ? Upgrade : Downgrade;

    /// <summary>A key or module path with the module's name in the result's family; any other path as it is.</summary>
    public string Renamed(string path) => FusedNames.Renamed(path, From, To);
}
