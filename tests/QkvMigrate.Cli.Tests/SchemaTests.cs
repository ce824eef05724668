using System.Text.Json;
using NJsonSchema;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>The published schemas against the program's own output: it fits them, and they describe every field of it.</summary>
public sealed class SchemaTests(FixtureSet fixtures) : IDisposable
{
    private const string Report = "report.v1.schema.json";
    private const string Doctor = "doctor.v1.schema.json";
    private const string Verification = "verification.v1.schema.json";

    private static readonly string[] Kinds =
    [
        "gqa-float32", "lora-qv", "lora-qkv-gqa", "optimizer-by-name", "gptq-int4", "safetensors-shards", "before-torch-1.6", "transposed",
        "already-upgraded", "nanogpt", "without-attention", "cut-short", "both-names-in-one-layer", "no-geometry", "sliding-window-interleaved",
    ];

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Every_report_fits_its_schema_and_is_described_by_it()
    {
        var tree = Tree();
        await AssertFits(Report, Tool.Run("inspect", tree, "--json"));
        await AssertFits(Report, Tool.Run("upgrade", tree, "--dry-run", "--json"));
        await AssertFits(Report, Tool.Run("upgrade", tree, "-o", folder.At("out"), "--json", "--verbose", "--verify", "full"));
        await AssertFits(Report, Tool.Run("upgrade", tree, "-o", folder.At("out"), "--json"));
        await AssertFits(Report, Tool.Run("upgrade", Path.Combine(tree, "lora-qkv-gqa"), "--lora", "expand", "--json", "--verbose"));
        await AssertFits(Report, Tool.Run("downgrade", folder.At("out"), "-o", folder.At("back"), "--json"));
        await AssertFits(Report, Tool.Run("report", folder.At("out"), "--json"));
        await AssertFits(Report, Tool.Run("upgrade", folder.At("nowhere"), "--json"));
    }

    [Fact]
    public async Task Every_verification_fits_its_schema_and_is_described_by_it()
    {
        var tree = Tree();
        Tool.Run("upgrade", tree, "-o", folder.At("out"));
        File.AppendAllText(folder.At("out", "gqa-float32", "model_config.yaml"), "n_head: 1\n");
        using (var wrong = File.OpenWrite(folder.At("out", "transposed", "lit_model.pth")))
        {
            wrong.Position = wrong.Length / 2;
            wrong.WriteByte(0xaa);
        }

        await AssertFits(Verification, Tool.Run("verify", tree, folder.At("out"), "--json"));
        await AssertFits(Verification, Tool.Run("verify", Sample("tiny-licenses-gqa"), Upgraded("tiny-licenses-gqa"), "--forward", "--json"));
        File.WriteAllText(folder.At("sums"), $"{WorkFolder.Sha256(Path.Combine(tree, "transposed", "lit_model.pth"))}  transposed/lit_model.pth\n");
        await AssertFits(Verification, Tool.Run("verify", folder.At("out"), "--original-sha256sums", folder.At("sums"), "--json"));
    }

    [Fact]
    public async Task What_the_doctor_says_fits_its_schema_and_is_described_by_it()
    {
        await AssertDescribed(Doctor, Tool.Run("doctor", folder.Path, "--json").Output);
        await AssertDescribed(Doctor, Tool.Run("doctor", "/proc", "--json", "--libtorch", folder.Path).Output);
        Assert.NotEmpty((await Schema(Doctor)).Validate("""{"schemaVersion":1}"""));
    }

    [Fact]
    public async Task What_is_no_report_does_not_fit()
    {
        var schema = await Schema(Report);
        Assert.Empty(schema.Validate("""{"schemaVersion":1,"checkpoints":[]}"""));
        Assert.NotEmpty(schema.Validate("""{"schemaVersion":2,"checkpoints":[]}"""));
        Assert.NotEmpty(schema.Validate("""{"schemaVersion":1,"checkpoints":[{"path":"x"}]}"""));
        Assert.NotEmpty(Strict(schema).Validate("""{"schemaVersion":1,"checkpoints":[],"undescribed":1}"""));
    }

    /// <summary>The published schema lets later versions add fields; here, where every field must be described, it does not.</summary>
    private static JsonSchema Strict(JsonSchema schema)
    {
        foreach (var part in Parts(schema).Where(part => part.Properties.Count > 0))
        {
            part.AllowAdditionalProperties = false;
        }

        return schema;
    }

    private static IEnumerable<JsonSchema> Parts(JsonSchema schema) =>
        new[] { schema }.Concat(schema.Definitions.Values.Concat(schema.Properties.Values).Concat(schema.Item is { } item ? [item] : []).SelectMany(Parts));

    private static async Task<JsonSchema> Schema(string name) => await JsonSchema.FromJsonAsync(await File.ReadAllTextAsync(Repository.At("schema", name)));

    private static async Task AssertFits(string name, ProcessResult run)
    {
        Assert.True(run.Output.Length > 0, run.Error);
        using (var document = JsonDocument.Parse(run.Output))
        {
            Assert.NotEmpty(document.RootElement.GetProperty("checkpoints").EnumerateArray());
        }

        await AssertDescribed(name, run.Output);
    }

    private static async Task AssertDescribed(string name, string document)
    {
        Assert.Empty((await Schema(name)).Validate(document));
        Assert.Empty(Strict(await Schema(name)).Validate(document));
    }

    private static string Sample(string name) => Repository.At("samples", name);

    private string Upgraded(string sample)
    {
        var run = Tool.Run("upgrade", Sample(sample), "-o", folder.At(sample));
        Assert.True(run.ExitCode == 0, run.Error);
        return folder.At(sample);
    }

    private string Tree()
    {
        foreach (var kind in Kinds)
        {
            folder.Take(fixtures[kind].Folder, Path.Combine("tree", kind));
        }

        return folder.At("tree");
    }
}
