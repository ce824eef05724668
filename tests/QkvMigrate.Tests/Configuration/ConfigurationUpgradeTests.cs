using System.Text;
using CsCheck;
using QkvMigrate.Configuration;
using Xunit;

namespace QkvMigrate.Tests.Configuration;

/// <summary>Old configurations come out as text that today's LitGPT takes, and go back to the byte.</summary>
public sealed class ConfigurationUpgradeTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-configuration-");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("n_layer: 2\nname: x\n", null)]
    [InlineData(
        "condense_ratio: 4 # longer\n_norm_class: RMSNorm\n_mlp_class: LLaMAMLP\n",
        "#qkvmigrate- condense_ratio: 4 # longer\nrope_condense_ratio: 4 # longer  #qkvmigrate+\n#qkvmigrate- _norm_class: RMSNorm\nnorm_class_name: RMSNorm  #qkvmigrate+\n#qkvmigrate- _mlp_class: LLaMAMLP\nmlp_class_name: LLaMAMLP  #qkvmigrate+\n")]
    [InlineData(
        "name: pythia-70m\norg: EleutherAI\n",
        "name: pythia-70m\n#qkvmigrate- org: EleutherAI\nhf_config: {name: \"pythia-70m\", org: \"EleutherAI\"}  #qkvmigrate+\n")]
    [InlineData(
        "# by hand\nsliding_window_layer_placing: null\nsliding_window_size: 8\n",
        "# by hand\n#qkvmigrate- sliding_window_layer_placing: null\nsliding_window_size: 8\n")]
    [InlineData(
        "n_layer: 3\nsliding_window_layer_placing: interleaved\nsliding_window_size: 8",
        "n_layer: 3\n#qkvmigrate- sliding_window_layer_placing: interleaved\nsliding_window_indices: [1, 0, 1]  #qkvmigrate+\nsliding_window_size: 8")]
    [InlineData("name: x\nsliding_window_layer_placing: 1\n", "name: x\n#qkvmigrate- sliding_window_layer_placing: 1\n")]
    [InlineData("name: x\nsliding_window_layer_placing: all\n", "name: x\n#qkvmigrate- sliding_window_layer_placing: all\n")]
    [InlineData("name: x\nsliding_window_layer_placing: # none\n", "name: x\n#qkvmigrate- sliding_window_layer_placing: # none\n")]
    [InlineData("\uFEFFcondense_ratio: 1\n", "\uFEFF#qkvmigrate- condense_ratio: 1\nrope_condense_ratio: 1  #qkvmigrate+\n")]
    [InlineData("  'condense_ratio' : 1\n  name: x\n", "#qkvmigrate-   'condense_ratio' : 1\n  rope_condense_ratio : 1  #qkvmigrate+\n  name: x\n")]
    [InlineData("{name: x, n_layer: 2}\n", null)]
    [InlineData("name: x\rn_layer: 2\r", null)]
    [InlineData(
        "n_layer: 2\nsliding_window_layer_placing: 2\n",
        "n_layer: 2\n#qkvmigrate- sliding_window_layer_placing: 2\nsliding_window_indices: [1, 0]  #qkvmigrate+\n")]
    [InlineData("condense_ratio: 1\r\nname: x\r\n", "#qkvmigrate- condense_ratio: 1\r\nrope_condense_ratio: 1  #qkvmigrate+\r\nname: x\r\n")]
    [InlineData("name: x\ncondense_ratio: 1", "name: x\n#qkvmigrate- condense_ratio: 1\nrope_condense_ratio: 1  #qkvmigrate+")]
    public void YAML_is_edited_line_by_line(string before, string? after)
    {
        Write("model_config.yaml", before);
        var upgraded = ConfigurationRewrite.PlanUpgrade(folder.FullName);
        if (after is null)
        {
            Assert.True(upgraded.IsEmpty);
            return;
        }

        Assert.Equal(after, Text(upgraded));
        Write("model_config.yaml", after);
        Assert.Equal(before, Text(ConfigurationRewrite.PlanDowngrade(folder.FullName)));
        Assert.True(ConfigurationRewrite.PlanUpgrade(folder.FullName).IsEmpty);
    }

    [Fact]
    public void JSON_becomes_YAML_and_stays_beside_it()
    {
        Write("lit_config.json", """{"org": "EleutherAI", "name": "on: off", "norm_eps": 1e-05, "rotary_percentage": 0.25, "bias": true, "padded_vocab_size": null, "condense_ratio": 2, "extra": {"a": [1, 2.5e3]}}""");
        var upgraded = ConfigurationRewrite.PlanUpgrade(folder.FullName);
        Assert.Equal(
            """
            #qkvmigrate+ made from lit_config.json
            #qkvmigrate- org: "EleutherAI"
            hf_config: {name: "on: off", org: "EleutherAI"}  #qkvmigrate+
            name: "on: off"
            norm_eps: 1.0e-05
            rotary_percentage: 0.25
            bias: true
            padded_vocab_size: null
            #qkvmigrate- condense_ratio: 2
            rope_condense_ratio: 2  #qkvmigrate+
            extra: {"a": [1, 2.5e+3]}

            """,
            Text(upgraded));
        Assert.Equal("config-unknown-field", Assert.Single(upgraded.Advice).Code);

        Write("model_config.yaml", Text(upgraded));
        var file = Assert.Single(ConfigurationRewrite.PlanDowngrade(folder.FullName).Files);
        Assert.Equal(("model_config.yaml", null), (file.Name, file.Content));
    }

    [Fact]
    public void What_changed_and_what_to_know_is_told()
    {
        Write("model_config.yaml", "name: x\norg: y\ncondense_ratio: 1\nmine: 2\nn_layer: 2\nsliding_window_layer_placing: interleaved\n");
        var upgraded = ConfigurationRewrite.PlanUpgrade(folder.FullName);
        Assert.Equal(
            [
                "org and name are hf_config since 2023-10",
                "condense_ratio is called rope_condense_ratio since 2023-09",
                "sliding_window_layer_placing interleaved is sliding_window_indices, one number a layer",
            ],
            upgraded.Changes);
        Assert.Equal(
            [
                new Advice("config-unknown-field", "the configuration has a field 'mine' that LitGPT does not know; it is kept, and LitGPT will refuse it"),
                new Advice("config-needs-litgpt-2025-04", "sliding_window_indices is read by LitGPT since 2025-04; versions from 0.5.4 to then cannot load this configuration"),
            ],
            upgraded.Advice);
        Assert.True(upgraded.Replaces("model_config.yaml"));
        Assert.False(upgraded.Replaces("lit_config.json"));
    }

    [Theory]
    [InlineData("#qkvmigrate+ made from lit_config.json")]
    [InlineData("#qkvmigrate+ made from lit_config.json\r\nname: x\r\n")]
    public void A_made_configuration_stays_where_its_source_is_gone(string text)
    {
        Write("model_config.yaml", text);
        var rewrite = ConfigurationRewrite.PlanDowngrade(folder.FullName);
        Assert.True(rewrite.IsEmpty);
        Assert.Equal(
            [new Advice("config-source-missing", "model_config.yaml was made from lit_config.json, which is not there any more; it is left as it is")],
            rewrite.Advice);
    }

    [Fact]
    public void What_is_untouched_is_untouched_on_the_way_back()
    {
        Write("model_config.yaml", "name: x\n");
        Assert.True(ConfigurationRewrite.PlanDowngrade(folder.FullName).IsEmpty);
        File.Delete(Path.Combine(folder.FullName, "model_config.yaml"));
        Write("lit_config.json", "{}");
        Assert.True(ConfigurationRewrite.PlanDowngrade(folder.FullName).IsEmpty);
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused_and_not_replaced()
    {
        var path = Path.Combine(folder.FullName, "model_config.yaml");
        File.WriteAllBytes(path, [.. "condense_ratio: 1 # "u8, 0xE9, (byte)'\n']);
        Assert.Equal($"{path}: at byte 20: no UTF-8", Assert.Throws<MigrationException>(() => ConfigurationRewrite.PlanUpgrade(folder.FullName)).Message);
    }

    [Theory]
    [InlineData("sliding_window_layer_placing: sometimes\n", "line 1: sliding_window_layer_placing is 'sometimes', expected null, all or interleaved")]
    [InlineData("sliding_window_layer_placing: interleaved\n", "line 1: sliding_window_layer_placing interleaved needs n_layer, a number from 1 to 10000")]
    [InlineData("name: x\ncondense_ratio: 1\nrope_condense_ratio: 2\n", "line 2: condense_ratio stands beside rope_condense_ratio, which took its place")]
    [InlineData("{name: x, condense_ratio: 1}\n", "line 1: condense_ratio has to change, but does not stand in a line of its own")]
    [InlineData("condense_ratio:\n  1\n", "line 1: condense_ratio has to change, but does not stand in a line of its own")]
    [InlineData("sliding_window_layer_placing: [all]\n", "line 1: sliding_window_layer_placing is a list or a mapping, expected null, all or interleaved")]
    [InlineData("sliding_window_layer_placing: 'null'\n", "line 1: sliding_window_layer_placing is the text 'null' for its quotes, expected null, all or interleaved")]
    [InlineData("sliding_window_layer_placing: \"1\"\n", "line 1: sliding_window_layer_placing is the text '1' for its quotes, expected null, all or interleaved")]
    [InlineData("n_layer: '2'\nsliding_window_layer_placing: 'interleaved'\n", "line 2: sliding_window_layer_placing interleaved needs n_layer, a number from 1 to 10000")]
    [InlineData("name: x\norg: {a: b}\n", "line 2: org is a list or a mapping, expected text")]
    [InlineData("name: x\norg: y\nhf_config: {}\n", "line 2: org stands beside hf_config, which took its place")]
    [InlineData("n_layer: 2\nsliding_window_layer_placing: interleaved\nsliding_window_indices: [1, 1]\n", "line 2: sliding_window_layer_placing stands beside sliding_window_indices, which took its place")]
    [InlineData("n_layer: 10001\nsliding_window_layer_placing: interleaved\n", "line 2: sliding_window_layer_placing interleaved needs n_layer, a number from 1 to 10000")]
    [InlineData("name: x\rcondense_ratio: 1\r", "condense_ratio has to change, but the file has line breaks other than LF and CRLF")]
    [InlineData("# one\u2028condense_ratio: 1\n", "condense_ratio has to change, but the file has line breaks other than LF and CRLF")]
    [InlineData("name: x\nname: y\n", "line 2: field name is given twice")]
    [InlineData("- a\n- b\n", "line 1: no mapping of fields to values")]
    [InlineData("a: &x [1]\nb: *x\n", "line 1: the anchor '&x': no configuration of LitGPT's has it; write the plain value")]
    public void What_no_LitGPT_wrote_is_refused(string text, string problem)
    {
        Write("model_config.yaml", text);
        var error = Assert.Throws<MigrationException>(() => ConfigurationRewrite.PlanUpgrade(folder.FullName));
        Assert.Equal($"{Path.Combine(folder.FullName, "model_config.yaml")}: {problem}", error.Message);
    }

    [Fact]
    public void Any_configuration_goes_there_and_back() =>
        AnyConfiguration.Sample(
            before =>
            {
                Write("model_config.yaml", before);
                var upgraded = ConfigurationRewrite.PlanUpgrade(folder.FullName);
                if (upgraded.IsEmpty)
                {
                    return;
                }

                Write("model_config.yaml", Text(upgraded));
                Assert.Equal(before, Text(ConfigurationRewrite.PlanDowngrade(folder.FullName)));
            },
            iter: 500,
            threads: 1);

    private static readonly Gen<string> AnyConfiguration =
        from lines in Gen.Shuffle(new[]
        {
            "name: x", "org: y", "n_layer: 4", "condense_ratio: 1", "_norm_class: LayerNorm", "# a comment", "sliding_window_layer_placing: interleaved", "",
            "block:\n  nested: [1,\n    2]\n  text: |\n    two\n    lines", "mine: 'quoted # not a comment'",
        })
        from count in Gen.Int[1, 10]
        from end in Gen.OneOf(Gen.Const("\n"), Gen.Const("\r\n"))
        from last in Gen.Bool
        let kept = lines.Take(count).Append("n_layer: 4").Distinct().ToList()
        select string.Join(end, kept).ReplaceLineEndings(end) + (last ? end : "");

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(folder.FullName, name), text);

    private static string Text(ConfigurationRewrite rewrite) => Encoding.UTF8.GetString(Assert.Single(rewrite.Files).Content!.Value.Span);
}
