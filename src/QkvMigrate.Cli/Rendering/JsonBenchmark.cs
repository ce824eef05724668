using System.Text.Json;
using System.Text.Json.Serialization;
using QkvMigrate.Torch.Benchmarks;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what was measured of both layouts as one JSON document.</summary>
internal static class JsonBenchmark
{
    private const int SchemaVersion = 1;

    /// <summary>Writes the document.</summary>
    public static void Write(TextWriter writer, LayoutComparison comparison, double scale)
    {
        var (plan, lengths, geometry) = (comparison.Plan, comparison.Lengths, comparison.Plan.Configuration.Geometry);
        writer.WriteLine(JsonSerializer.Serialize(
            new JsonBenchmarkDocument(
                SchemaVersion,
                plan.Configuration.Name,
                scale,
                comparison.ParameterCount,
                new JsonHeads(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize),
                TextBenchmark.Name(plan.Precision),
                comparison.Device,
                comparison.PeakCounter,
                new JsonBenchmarkPlan(plan.Repetitions, plan.Samples, lengths.Sequence, lengths.Prompt, lengths.NewTokens),
                [Layout(comparison.Interleaved), Layout(comparison.Sequential)],
                PullRequest.Url,
                PullRequest.Measurements),
            JsonBenchmarkContext.Default.JsonBenchmarkDocument));
    }

    private static JsonLayout Layout(LayoutMeasurement measured) => new(
        measured.Layout.Name,
        measured.TrainingStepSeconds,
        PullRequest.EpochSamples * measured.TrainingStepSeconds,
        measured.TokensPerSecond,
        measured.CacheBytes,
        measured.TrainingPeakBytes,
        measured.GenerationPeakBytes);
}

/// <summary>The document.</summary>
internal sealed record JsonBenchmarkDocument(
    int SchemaVersion,
    string Model,
    double Scale,
    long Parameters,
    JsonHeads Geometry,
    string Dtype,
    string Device,
    string PeakCounter,
    JsonBenchmarkPlan Plan,
    IReadOnlyList<JsonLayout> Layouts,
    string PullRequest,
    IReadOnlyList<PullRequestMeasurement> PullRequestMeasurements);

/// <summary>The geometry.</summary>
internal sealed record JsonHeads(int NHead, int NQueryGroups, int HeadSize);

/// <summary>How often and on how much it was measured.</summary>
internal sealed record JsonBenchmarkPlan(int Repetitions, int Samples, int SequenceLength, int PromptLength, int NewTokens);

/// <summary>One layout's medians; an epoch has 1,000 steps; peaks are missing where nothing tells them.</summary>
internal sealed record JsonLayout(
    string Layout,
    double TrainingStepSeconds,
    double TrainingEpochSeconds,
    double TokensPerSecond,
    long KvCacheBytes,
    long? TrainingPeakBytes,
    long? GenerationPeakBytes);

/// <summary>Serializers that are made when the program is built.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true)]
[JsonSerializable(typeof(JsonBenchmarkDocument))]
internal sealed partial class JsonBenchmarkContext : JsonSerializerContext;
