using System.Text.Json;
using QkvMigrate.Attention;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Optimizers;
using QkvMigrate.Running.Batches;
using QkvMigrate.Verification;

namespace QkvMigrate.Running.InPlace;

/// <summary>What a journal keeps of a request: which change it is, and how the new file is proven.</summary>
/// <param name="Conversion">What is made of what.</param>
/// <param name="Geometry">Where q, k and v stand.</param>
/// <param name="Verification">How much is compared; null for nothing.</param>
/// <param name="IsOptimizerInModelOrder">Whether the user says that optimizers number their parameters in the order of the model.</param>
/// <param name="SourceSha256">The SHA-256 of the old file, where every byte is compared.</param>
internal sealed record InPlaceFacts(
    Conversion Conversion,
    GeometryRecord Geometry,
    VerificationMode? Verification,
    bool IsOptimizerInModelOrder,
    string? SourceSha256)
{
    /// <summary>What a journal is to keep of a request.</summary>
    public static InPlaceFacts Of(MigrationRequest request, AttentionGeometry geometry, string? sourceSha256) => new(
        request.Conversion,
        GeometryRecord.Of(geometry),
        request.Verification,
        request.OptimizerOrder == OptimizerOrder.Model,
        sourceSha256);

    /// <summary>Reads what a journal kept.</summary>
    /// <param name="text">The bytes.</param>
    /// <param name="journal">The journal, which failures name.</param>
    /// <exception cref="MigrationException">They are no such facts.</exception>
    public static InPlaceFacts Read(byte[] text, string journal)
    {
        try
        {
            var facts = JsonSerializer.Deserialize(text, RecordJson.Readable.InPlaceFacts) ?? throw new JsonException("nothing is there");
            return facts.Geometry.ToGeometry().Problem() is { } problem ? throw new JsonException(problem) : facts;
        }
        catch (JsonException error)
        {
            throw new MigrationException(FailureKind.Malformed, $"it does not say what was to be made: {error.Message}", journal, inner: error);
        }
    }

    /// <summary>The facts as a journal keeps them.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, RecordJson.Readable.InPlaceFacts);
}
