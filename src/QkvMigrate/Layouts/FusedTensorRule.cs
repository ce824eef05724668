namespace QkvMigrate.Layouts;

/// <summary>How a tensor under a fused attention module follows the order of its rows.</summary>
/// <param name="Suffix">The key behind the module's name.</param>
/// <param name="Dimension">The dimension along which the fused rows stand, −1 for the last, or null where the tensor has none of them.</param>
/// <param name="Origin">Where the tensor was defined.</param>
public sealed record FusedTensorRule(string Suffix, int? Dimension, string Origin)
{
    /// <summary>The rule holds only where the module has a tensor of this suffix too; such a rule goes before one without.</summary>
    public string? Beside { get; init; }

    /// <summary>Whether one element holds several output features, so that the dimension is shorter than the rows.</summary>
    public bool IsPacked { get; init; }
}
