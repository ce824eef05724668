namespace QkvMigrate.Configuration.Models;

/// <summary>Rotary position embeddings (litgpt/model.py, <c>build_rope_cache</c>).</summary>
public sealed record RopeConfiguration
{
    /// <summary><c>rope_base</c>.</summary>
    public double Base { get; init; } = 10000;

    /// <summary><c>rotary_percentage</c>: the part of each head that is rotated, from 0 to 1.</summary>
    public double Percentage { get; init; } = 0.25;

    /// <summary><c>rope_condense_ratio</c>: positions are divided by it.</summary>
    public double CondenseRatio { get; init; } = 1;

    /// <summary><c>rope_adjustments</c>, or null.</summary>
    public RopeAdjustments? Adjustments { get; init; }

    /// <summary><c>rope_local_base_freq</c>: the base on layers that <see cref="IsLocal"/> names, or null for one base on all.</summary>
    public double? LocalBase { get; init; }

    /// <summary><c>rope_indices</c>: for each layer whether it has the <see cref="LocalBase"/>; null for all.</summary>
    public IReadOnlyList<bool>? IsLocal { get; init; }
}

/// <summary>
/// Llama 3's stretching of the slow rotations, or the stretching of all by <paramref name="Factor"/> where
/// <paramref name="Llama3"/> is null.
/// </summary>
/// <param name="Factor"><c>factor</c>.</param>
/// <param name="Llama3">The band between the rotations that are stretched and those that are not.</param>
public sealed record RopeAdjustments(double Factor, Llama3Band? Llama3);

/// <summary>Wavelengths are held against the length that the model was first trained on.</summary>
/// <param name="LowFrequencyFactor"><c>low_freq_factor</c>: rotations with fewer turns in that length are stretched in full.</param>
/// <param name="HighFrequencyFactor"><c>high_freq_factor</c>: rotations with more turns stay as they are.</param>
/// <param name="OriginalMaximumLength"><c>original_max_seq_len</c>, in tokens.</param>
public sealed record Llama3Band(double LowFrequencyFactor, double HighFrequencyFactor, double OriginalMaximumLength);
