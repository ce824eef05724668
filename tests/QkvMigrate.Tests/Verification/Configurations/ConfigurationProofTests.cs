using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification.Configurations;

/// <summary>The configuration of an upgraded directory is what the old one must become, line by line, and nothing else.</summary>
public sealed class ConfigurationProofTests : IDisposable
{
    private const string Sizes = "n_head: 4\nn_query_groups: 2\nhead_size: 4\nn_embd: 16\n";
    private const string Yaml = "model_config.yaml";
    private const string Json = "lit_config.json";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("qkvmigrate-configuration-");

    public static TheoryData<string> Texts =>
    [
        Sizes,
        Sizes.Replace("\n", "\r\n", StringComparison.Ordinal),
        "\uFEFF" + Sizes + "_norm_class: RMSNorm  # as it was\n",
        "# a comment\n---\n" + Sizes + "_mlp_class:   LLaMAMLP\ncondense_ratio: 1\n...\n",
        "name: \"a \\\"quoted\\\" one\"\norg: EleutherAI\n" + Sizes,
        "org: 'it''s'\r\n" + Sizes.Replace("\n", "\r\n", StringComparison.Ordinal) + "rope_n_elem: 4",
        Sizes + "n_layer: 5\nsliding_window_layer_placing: interleaved\nextra: {a: [1, 2]}\n",
        Sizes + "sliding_window_layer_placing: all\nblock: |\n  a text\n  of lines\n\n\n",
        "#qkvmigrate- old: 1\n" + Sizes + "note: x  #qkvmigrate+\norg: y\n",
        "_norm_class: a\n_mlp_class: b\norg: c\nrope_n_elem: 3\ncondense_ratio: 2\n" + Sizes + "name: d\n",
    ];

    public static TheoryData<string> JsonTexts =>
    [
        """{"n_head": 4, "n_query_groups": 2, "head_size": 4, "n_embd": 16}""",
        "\uFEFF" + """{"name": "a\u0085\ud83d\ude00\"", "org": "o", "n_head": 4, "n_query_groups": 2, "head_size": 4, "norm_eps": 1e-05, "x": 12E7, "y": 1.5e3, "yes": [true, null, {"a b": -0.0}]}""",
        """{ "n_head":4,"n_query_groups":2,"head_size":4, "_norm_class" : "RMSNorm", "rope_n_elem": 4, "sliding_window_layer_placing": null, "1": "" }""",
    ];

    private string Original => Path.Combine(_folder.FullName, "original");

    private string Upgraded => Path.Combine(_folder.FullName, "upgraded");

    private string Back => Path.Combine(_folder.FullName, "back");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Texts))]
    public void What_an_upgrade_and_a_downgrade_make_of_it_is_proven(string text)
    {
        Write(Yaml, text);
        Migrate(MigrationDirection.Upgrade, Original, Upgraded);
        Assert.Empty(Differences(Original, Upgraded));
        Migrate(MigrationDirection.Downgrade, Upgraded, Back);
        Assert.Empty(Differences(Upgraded, Back));
    }

    [Theory]
    [MemberData(nameof(JsonTexts))]
    public void What_is_made_of_JSON_is_proven_and_its_way_back(string text)
    {
        Write(Json, text);
        Migrate(MigrationDirection.Upgrade, Original, Upgraded);
        Assert.Empty(Differences(Original, Upgraded));
        Migrate(MigrationDirection.Downgrade, Upgraded, Back);
        Assert.Empty(Differences(Upgraded, Back));

        File.Delete(Path.Combine(Upgraded, Yaml));
        Assert.Contains("which an upgrade makes of lit_config.json", Assert.Single(Differences(Original, Upgraded)).Problem, StringComparison.Ordinal);
    }

    /// <summary>Each line taken out, doubled, changed by a character at its start and its end, and text put in before it and behind all.</summary>
    [Theory]
    [MemberData(nameof(Texts))]
    public void Each_change_of_a_line_is_named(string text)
    {
        Write(Yaml, text);
        Migrate(MigrationDirection.Upgrade, Original, Upgraded);
        var path = Path.Combine(Upgraded, Yaml);
        var right = File.ReadAllText(path);
        var bytes = File.ReadAllBytes(path);
        var lines = right.Split('\n');
        var mutants = Enumerable.Range(0, lines.Length).SelectMany(i => new[]
        {
            string.Join('\n', [.. lines[..i], .. lines[(i + 1)..]]),
            string.Join('\n', [.. lines[..i], lines[i], .. lines[i..]]),
            string.Join('\n', [.. lines[..i], "x" + lines[i], .. lines[(i + 1)..]]),
            string.Join('\n', [.. lines[..i], lines[i] + " ", .. lines[(i + 1)..]]),
            string.Join('\n', [.. lines[..i], lines[i].EndsWith('\r') ? lines[i][..^1] : lines[i] + "\r", .. lines[(i + 1)..]]),
            string.Join('\n', [.. lines[..i], "# a payload", .. lines[i..]]),
            string.Join('\n', [.. lines[..i], "extra: 1", .. lines[i..]]),
        }).Append(right + "---\nn_head: 8\n").Append(right + "\n").Append("\uFEFF" + right).Where(mutant => mutant != right).ToList();

        Assert.All(
            mutants,
            mutant =>
            {
                File.WriteAllText(path, mutant, new System.Text.UTF8Encoding(bytes is [0xEF, 0xBB, 0xBF, ..]));
                var difference = Assert.Single(Differences(Original, Upgraded));
                Assert.Equal($"file '{Yaml}'", difference.Place);
            },
            throwIfEmpty: true);
    }

    [Theory]
    [InlineData("n_head: 010\n", "line 1: '010', which YAML 1.1 does not take for the decimal number: no configuration of LitGPT's has it; write the plain value")]
    [InlineData("n_head: !!int \"4\"\n", "line 1: the tag 'tag:yaml.org,2002:int': no configuration of LitGPT's has it; write the plain value")]
    [InlineData("n_head: &a 4\n", "line 1: the anchor '&a': no configuration of LitGPT's has it; write the plain value")]
    [InlineData("<<: {n_head: 8}\nn_head: 4\n", "line 1: a merge key ('<<'): no configuration of LitGPT's has it; write the plain value")]
    [InlineData("n_head: 4\nx: {<<: {a: 1}}\n", "line 2: a merge key ('<<'): no configuration of LitGPT's has it; write the plain value")]
    [InlineData("n_head: 4\n---\nn_head: 8\n", "line 2: a second YAML document, of which it is not known what it is for")]
    [InlineData("n_head: 4\nn_head: 8\n", "line 2: field n_head is given twice")]
    [InlineData("!x\nn_head: 4\n", "line 1: the tag '!x': no configuration of LitGPT's has it; write the plain value")]
    public void YAML_that_says_another_thing_than_its_text_is_refused_by_all(string text, string problem)
    {
        Write(Yaml, Sizes);
        Migrate(MigrationDirection.Upgrade, Original, Upgraded);
        Write(Yaml, text);

        var report = Run(MigrationDirection.Upgrade, Original, Back);
        Assert.EndsWith(problem, report.Error!.Message, StringComparison.Ordinal);

        var reports = Verify(Original, Upgraded);
        Assert.Contains(reports, item => item.Error?.Message.EndsWith(problem, StringComparison.Ordinal) == true || item.Differences.Any(difference => difference.Problem == problem));
    }

    private static IReadOnlyList<VerificationReport> Verify(string original, string upgraded) =>
        PathVerifier.Run(original, upgraded, new VerificationOptions { Geometry = new() }, TestContext.Current.CancellationToken);

    private static IReadOnlyList<Difference> Differences(string original, string upgraded)
    {
        var reports = Verify(original, upgraded);
        Assert.All(reports, report => Assert.Null(report.Error), throwIfEmpty: true);
        return [.. reports.SelectMany(report => report.Differences)];
    }

    private static void Migrate(MigrationDirection direction, string source, string output) => Assert.Null(Run(direction, source, output).Error);

    private static CheckpointReport Run(MigrationDirection direction, string source, string output) => Assert.Single(Migrator.Run(
        new MigrationRequest { Path = source, Direction = direction, Output = output, Engine = () => new StreamReorderEngine() },
        CancellationToken.None));

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Original);
        TorchFile.Save(Path.Combine(Original, "lit_model.pth"), [StoredTensor.Floats("transformer.h.0.attn.attn.weight", 32, 16)]);
        File.WriteAllText(Path.Combine(Original, name), text);
    }
}
