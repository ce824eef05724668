namespace QkvMigrate.Evidence;

/// <summary>How much of the fused weights is read, evenly chosen among the layers.</summary>
/// <param name="Layers">Layers at most.</param>
/// <param name="Columns">Columns of each row at most, the first ones.</param>
public sealed record EvidenceSample(int Layers, int Columns)
{
    /// <summary>Every number of every layer.</summary>
    public static EvidenceSample All { get; } = new(int.MaxValue, int.MaxValue);

    /// <summary>
    /// Little enough to be read before each migration: some megabytes of any model. A norm over 512 columns of trained
    /// weights strays by some 3 % from the whole row's, far less than the norms of q, k and v differ.
    /// </summary>
    public static EvidenceSample Quick { get; } = new(4, 512);
}
