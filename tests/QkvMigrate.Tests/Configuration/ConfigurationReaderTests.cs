using System.Text;
using CsCheck;
using QkvMigrate.Configuration;
using Xunit;

namespace QkvMigrate.Tests.Configuration;

/// <summary>The sizes that configurations of LitGPT and Hugging Face give, and what strangers' files cannot do.</summary>
public sealed class ConfigurationReaderTests : IDisposable
{
    private static readonly string[] Pieces =
    [
        "n_head", "head_size", "condense_ratio", "org", ": ", ":", "8", "-1", "1e9", "null", "{", "}", "[", "]", ", ", "\n", "\r", "\r\n", "  ", "- ", "\"", "'", "\\",
        "\\uD83D", "\\x4", "|", ">", "&a", "*a", "!!int ", "!<", "%YAML 1.1", "%TAG ! ", "%YAML 99999999999.1", "---", "...", "#", "? ", "\t", "\u0085", "\u2028", "\uFEFF", "\0", "é", "😀", "<<", "`", "@",
    ];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-reader-");

    private string File => Path.Combine(folder.FullName, "configuration");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("n_head: 8\nn_query_groups: 2\nhead_size: 16\nn_embd: 100\n", 8, 2, 16, 100)]
    [InlineData("n_head: 8\nn_query_groups: null\nhead_size: ~\nn_embd:\n", 8, null, null, null)]
    [InlineData("---\n# by hand\n\"n_head\": 8 # heads\nhf_config:\n  n_head: 3\n  head_size: 5\n", 8, null, null, null)]
    [InlineData("\uFEFFn_head: 8\r\nn_embd: 64\r\n", 8, null, null, 64)]
    [InlineData("{n_head: 8, n_embd: 64}", 8, null, null, 64)]
    [InlineData("""{"n_head": 8, "n_query_groups": 2, "head_size": null, "n_embd": 64}""", 8, 2, null, 64)]
    [InlineData("\uFEFF { \"n_head\": 8 }", 8, null, null, null)]
    [InlineData("{}", null, null, null, null)]
    [InlineData("""{"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "hidden_size": 4096}""", 32, 8, 128, 4096)]
    [InlineData("""{"text_config": {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "hidden_size": 2560}, "hidden_size": 1}""", 8, 4, 256, 2560)]
    [InlineData("""{"num_attention_heads": 128, "num_kv_heads": 8, "multi_query": true, "new_decoder_architecture": true, "hidden_size": 8192}""", 128, 8, null, 8192)]
    [InlineData("""{"num_attention_heads": 71, "num_kv_heads": 71, "multi_query": true, "new_decoder_architecture": false, "hidden_size": 4544}""", 71, 1, null, 4544)]
    [InlineData("""{"num_attention_heads": 64, "num_kv_heads": 64, "multi_query": false, "hidden_size": 2048}""", 64, 64, null, 2048)]
    [InlineData("""{"n_head": 128, "n_head_kv": 8, "hidden_size": 8192}""", 128, 8, null, 8192)]
    [InlineData("""{"n_head": 32, "n_embed": 4096}""", 32, null, null, 4096)]
    [InlineData("""{"n_head": 8, "num_attention_heads": 9}""", 8, null, null, null)]
    public void Gives_the_sizes(string text, int? heads, int? groups, int? size, int? embedding)
    {
        Write(text);
        Assert.Equal(new ConfigurationNumbers("here", heads, groups, size, embedding), ConfigurationReader.Read(File, "here"));
    }

    [Theory]
    [InlineData("n_head: abc\n", "field n_head: 'abc' is no whole number")]
    [InlineData("n_head: '8'\n", "field n_head: '8' is a text for its quotes, and no whole number")]
    [InlineData("n_head: 8\nn_query_groups: \"null\"\n", "field n_query_groups: 'null' is a text for its quotes, and no whole number")]
    [InlineData("n_head: 8\nhead_size: ''\n", "field head_size: '' is a text for its quotes, and no whole number")]
    [InlineData("n_head: |\n  8\n", "field n_head: '8 ' is a text for its quotes, and no whole number")]
    [InlineData("n_head: 0x8\n", "field n_head: '0x8' is no whole number")]
    [InlineData("n_head: 1_0\n", "field n_head: '1_0' is no whole number")]
    [InlineData("n_head: 1:30\n", "field n_head: '1:30' is no whole number")]
    [InlineData("""{"n_head": "8"}""", "field n_head: '8' is a text for its quotes, and no whole number")]
    [InlineData("n_head: 8.0\n", "field n_head: '8.0' is no whole number")]
    [InlineData("n_embd: 1e300\n", "field n_embd: '1e300' is no whole number")]
    [InlineData("head_size: 99999999999\n", "field head_size: '99999999999' is no whole number")]
    [InlineData("""{"num_key_value_heads": "eight"}""", "field num_key_value_heads: 'eight' is a text for its quotes, and no whole number")]
    [InlineData("""{"n_head": false}""", "field n_head: 'False' is no whole number")]
    [InlineData("- n_head\n", "line 1: no mapping of fields to values")]
    [InlineData("8\n", "line 1: no mapping of fields to values")]
    [InlineData("n_head: 8\nn_head: 8\n", "line 2: field n_head is given twice")]
    [InlineData("[n_head]: 8\n", "line 1: a field whose name is no plain text")]
    [InlineData("a: &x {b: *x}\n", "line 1: the anchor '&x': no configuration of LitGPT's has it; write the plain value")]
    [InlineData("<<: *x\n", "line 1: a merge key ('<<'): no configuration of LitGPT's has it; write the plain value")]
    [InlineData("a: *x\n", "line 1: an alias, or a value nested too deeply or too long for a configuration")]
    public void Refuses_what_is_no_configuration(string text, string problem)
    {
        Write(text);
        Assert.Equal($"{File}: {problem}", Refused());
    }

    [Fact]
    public void Refuses_more_fields_than_a_configuration_has()
    {
        static string Yaml(int count) => string.Concat(Enumerable.Range(0, count).Select(number => $"f{number}: 1\n"));
        static string Json(int count) => $"{{{string.Join(',', Enumerable.Range(0, count).Select(number => $"\"f{number}\":1"))}}}";
        foreach (var text in (string[])[Yaml(1000), Json(1000)])
        {
            Write(text);
            Assert.Equal(new ConfigurationNumbers("here"), ConfigurationReader.Read(File, "here"));
        }

        Write(Yaml(1001));
        Assert.Equal($"{File}: line 1001: more than 1000 fields, as no configuration has", Refused());
        Write(Json(1001));
        Assert.Equal($"{File}: more than 1000 fields, as no configuration has", Refused());
    }

    [Fact]
    public void Refuses_longer_values_than_a_configuration_has()
    {
        string Lists(int count) => $"a: [{string.Join(',', Enumerable.Repeat("x", 40_000))}]\nb: [{string.Join(',', Enumerable.Repeat("x", count))}]\nn_head: 8\n";
        Write(Lists(20_000));
        Assert.Equal(8, ConfigurationReader.Read(File, "here").HeadCount);
        Write(Lists(40_000));
        Assert.Equal($"{File}: line 2: an alias, or a value nested too deeply or too long for a configuration", Refused());
    }

    [Theory]
    [InlineData("", "no YAML: ")]
    [InlineData("n_head: [8\n", "no YAML: ")]
    [InlineData("%TAG ! \n", "no YAML: ")]
    [InlineData("...\r\n!!int ", "no YAML: ")]
    [InlineData("#<<|\0: n_head#", "no YAML: ")]
    [InlineData("""{"n_head": 8""", "no JSON object: ")]
    [InlineData("""{"n_head": 8, "n_head": 8}""", "no JSON object: ")]
    [InlineData("""{"n_head": "\ud800"}""", "no JSON object: ")]
    public void Refuses_what_cannot_be_read(string text, string problem)
    {
        Write(text);
        var message = Refused();
        Assert.StartsWith(File + ": ", message, StringComparison.Ordinal);
        Assert.Contains(problem, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Depth_is_limited()
    {
        Write("a: " + new string('[', 100_000));
        Assert.Equal($"{File}: line 1: an alias, or a value nested too deeply or too long for a configuration", Refused());
        Write("""{"a": """ + new string('[', 100_000));
        Assert.Contains("no JSON object: ", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void Length_is_limited()
    {
        Write("n_head: 8\n".PadRight(ConfigurationReader.MaximumBytes, '#'));
        Assert.Equal(8, ConfigurationReader.Read(File, "here").HeadCount);
        Write("n_head: 8\n".PadRight(ConfigurationReader.MaximumBytes + 1, '#'));
        Assert.Equal($"{File}: 4194305 bytes are more than the 4194304 that a configuration may have", Refused());
    }

    [Fact]
    public void A_link_to_an_endless_device_ends_at_once()
    {
        System.IO.File.CreateSymbolicLink(File, "/dev/zero");
        Assert.EndsWith("this is no regular file but a device", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_and_a_directory_are_refused()
    {
        Assert.Contains(File, Refused(), StringComparison.Ordinal);
        Directory.CreateDirectory(File);
        Assert.Contains(File, Refused(), StringComparison.Ordinal);
    }

    /// <summary>Pieces of YAML and JSON in any order: whatever they make, it is read or refused, and nothing else happens.</summary>
    [Fact]
    public void Any_text_is_read_or_refused() =>
        Gen.Int[0, Pieces.Length - 1].Select(index => Pieces[index])
            .Array[0, 16].Select(string.Concat)
            .Sample(
                text =>
                {
                    Write(text);
                    ReadOrRefused(() => ConfigurationReader.Read(File, "here"));
                    ReadOrRefused(() => ConfigurationUpgrade.OfYaml(text));
                    ReadOrRefused(() => ConfigurationUpgrade.OfJson(text));
                },
                iter: 1000,
                threads: 1);

    private static void ReadOrRefused(Action read)
    {
        try
        {
            read();
        }
        catch (MigrationException error)
        {
            Assert.NotEmpty(error.Message);
        }
    }

    private string Refused() => Assert.Throws<MigrationException>(() => ConfigurationReader.Read(File, "here")).Message;

    private void Write(string text) => System.IO.File.WriteAllBytes(File, Encoding.UTF8.GetBytes(text));
}
