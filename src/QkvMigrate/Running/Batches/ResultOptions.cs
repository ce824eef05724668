using System.Text.Json.Serialization;
using QkvMigrate.Files;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Verification;

namespace QkvMigrate.Running.Batches;

/// <summary>
/// What of a request decides the bytes of a result. Engine and device do not: all engines write the same, and a merge
/// differs by the rounding of its device at most. Nor do options that only let a checkpoint be refused.
/// </summary>
/// <param name="Conversion">Upgrade or downgrade.</param>
/// <param name="HeadCount"><c>--n-head</c>.</param>
/// <param name="QueryGroupCount"><c>--n-query-groups</c>.</param>
/// <param name="HeadSize"><c>--head-size</c>.</param>
/// <param name="Model"><c>--model</c>.</param>
/// <param name="Configuration">The digest of the file that <c>--config</c> names.</param>
/// <param name="Lora"><c>--lora</c>.</param>
/// <param name="IsLoraBefore900"><c>--lora-era pre-900</c>.</param>
/// <param name="LoraAlpha"><c>--lora-alpha</c>.</param>
/// <param name="DropOptimizer"><c>--drop-optimizer</c>.</param>
/// <param name="DropUnreferenced"><c>--drop-unreferenced</c>.</param>
/// <param name="Verification">How the result was proven, or null for not at all.</param>
/// <param name="MaximumShardBytes"><c>--max-shard-size</c> of an export; null for an upgrade or downgrade.</param>
/// <param name="DType"><c>--dtype</c> of an export, or null for the types as they are stored.</param>
internal sealed record ResultOptions(
    [property: JsonPropertyName("direction")] Conversion Conversion,
    int? HeadCount,
    int? QueryGroupCount,
    int? HeadSize,
    string? Model,
    string? Configuration,
    LoraTreatment Lora,
    bool IsLoraBefore900,
    double? LoraAlpha,
    bool DropOptimizer,
    bool DropUnreferenced,
    VerificationMode? Verification,
    long? MaximumShardBytes = null,
    string? DType = null)
{
    /// <summary>The options of <paramref name="request"/>.</summary>
    /// <exception cref="MigrationException">The file that --config names cannot be read.</exception>
    public static ResultOptions Of(MigrationRequest request, CancellationToken cancellation) => new(
        request.Conversion,
        request.Geometry.HeadCount,
        request.Geometry.QueryGroupCount,
        request.Geometry.HeadSize,
        request.Geometry.Model,
        request.Geometry.ConfigPath is { } file ? FileDigest.Whole(file, cancellation) : null,
        request.Lora.Treatment,
        request.Lora.IsBefore900,
        request.Lora.Alpha,
        request.DropOptimizer,
        request.DropUnreferenced,
        request.Verification,
        request.Export?.MaximumShardBytes,
        request.Export?.DType?.Name);

    /// <summary>Whether the result is a model of Hugging Face's.</summary>
    public bool AreOfExport() => MaximumShardBytes is not null;

    /// <summary>Whether a result of these options is what <paramref name="wanted"/> asks for: the same, and proven no less.</summary>
    public bool Satisfies(ResultOptions wanted) =>
        this with { Verification = null } == wanted with { Verification = null }
        && (wanted.Verification is not { } mode || Verification >= mode);
}
