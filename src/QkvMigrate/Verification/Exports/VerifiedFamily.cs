using System.Text.Json.Nodes;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Verification.Exports;

/// <summary>Which rows of one of LitGPT's tensors stand in one of Hugging Face's.</summary>
internal enum VerifiedRows
{
    /// <summary>All, in their order.</summary>
    All,

    /// <summary>Of a fused matrix: q.</summary>
    Query,

    /// <summary>Of a fused matrix: k.</summary>
    Key,

    /// <summary>Of a fused matrix: v.</summary>
    Value,

    /// <summary>Of a fused matrix: all, interleaved per query group.</summary>
    Interleaved,

    /// <summary>Of a fused matrix: all of q, of k, of v.</summary>
    Sequential,
}

/// <summary>What stands in a module of Hugging Face's.</summary>
/// <param name="Module">LitGPT's module, <c>#</c> in place of numbers.</param>
/// <param name="Rows">Which of its rows.</param>
internal readonly record struct VerifiedPart(string Module, VerifiedRows Rows = VerifiedRows.All);

/// <summary>A module of Hugging Face's.</summary>
/// <param name="Name">Its path, <c>#</c> in place of numbers.</param>
/// <param name="Parts">What stands in it, one behind the other.</param>
/// <param name="Rows">Its rows; of a norm, its elements.</param>
/// <param name="Columns">Its columns; null for a norm.</param>
internal sealed record VerifiedModule(
    string Name,
    IReadOnlyList<VerifiedPart> Parts,
    Func<ModelConfiguration, long> Rows,
    Func<ModelConfiguration, long>? Columns);

/// <summary>A family of Hugging Face's models as the verifier knows it. Each is an entry of <see cref="VerifiedFamilies"/>.</summary>
internal sealed record VerifiedFamily
{
    /// <summary>The <c>model_type</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The only entry of <c>architectures</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>Which models it is of, where several families have one <c>model_type</c>.</summary>
    public Func<ModelConfiguration, bool> Is { get; init; } = _ => true;

    /// <summary>What its models can be: for each feature its name in LitGPT's configuration, and whether a model has it as the family does.</summary>
    public required IReadOnlyList<(string Field, Func<ModelConfiguration, bool> Fits)> Features { get; init; }

    /// <summary>Its modules.</summary>
    public required IReadOnlyList<VerifiedModule> Modules { get; init; }

    /// <summary>Whether it has no output head of its own.</summary>
    public bool TiesHead { get; init; }

    /// <summary>Whether its models tie the head where <c>config.json</c> does not say so (transformers, configuration_*.py).</summary>
    public bool TiesUnlessSaid { get; init; }

    /// <summary>What a <c>config.json</c> says that is made from LitGPT's configuration, but for element type, tokens and the tied head.</summary>
    public required Func<ModelConfiguration, JsonObject> Configuration { get; init; }

    /// <summary>What a field that decides shapes stands for where it is missing (transformers, configuration_*.py); others must be there.</summary>
    public Func<ModelConfiguration, JsonObject> Defaults { get; init; } = VerifiedFields.Defaults;
}
