using System.Text;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>
/// What readers of JSON take differently, or only some of them: names that stand twice, numbers that are none, marks before the text,
/// bytes behind it. An upgrade refuses such a file, or keeps it to the byte where it says one thing to all; a verification never lets one pass for another.
/// </summary>
public sealed class JsonTrapTests : IDisposable
{
    private const string Weight = "transformer.h.0.attn.attn.weight";
    private const string Tensor = """{"dtype":"F32","shape":[32,3],"data_offsets":[0,384]}""";
    private const string Model = "model.safetensors";
    private const string Index = "model.safetensors.index.json";
    private const string Json = "lit_config.json";
    private const string HuggingFace = "config.json";
    private const string Sizes = "\"n_head\": 4, \"n_query_groups\": 2, \"head_size\": 4";

    private readonly WorkFolder folder = new();

    public JsonTrapTests()
    {
        Directory.CreateDirectory(folder.At("original"));
        Put(Model, $$$"""{"{{{Weight}}}":{{{Tensor}}},"__metadata__":{"format":"pt"}}""");
        Put(Index, $$$"""{"metadata": {"total_size": 384}, "weight_map": {"{{{Weight}}}": "{{{Model}}}"}}""");
        Put(Json, "{" + Sizes + "}");
        Put(HuggingFace, """{"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 4}""");
    }

    /// <summary>A file, what it says instead, and why an upgrade refuses it.</summary>
    public static TheoryData<string, string, string> Traps => new()
    {
        { Model, $$$"""{"{{{Weight}}}":{{{Tensor}}},"{{{Weight}}}":{{{Tensor}}}}""", $"the key '{Weight}' stands twice" },
        { Model, $$$"""{"{{{Weight}}}":{{{Tensor}}},"transformer.h.0.attn.att\u006e.weight":{{{Tensor}}}}""", $"the key '{Weight}' stands twice" },
        { Model, $$$"""{"{{{Weight}}}":{"dtype":"F32","dtype":"I32","shape":[32,3],"data_offsets":[0,384]}}""", "the key 'dtype' stands twice" },
        { Model, $$$"""{"__metadata__":{"a":"1","a":"2"},"{{{Weight}}}":{{{Tensor}}}}""", "the key 'a' stands twice" },
        { Model, $$$"""{"__metadata__":{},"__metadata__":{},"{{{Weight}}}":{{{Tensor}}}}""", "the key '__metadata__' stands twice" },
        { Model, $$$"""{"{{{Weight}}}":{"dtype":"F32","shape":[32,3],"data_offsets":[0,384],"x":NaN}}""", "the header is not valid JSON" },
        { Model, $$$"""{"{{{Weight}}}":{"dtype":"F32","shape":[32,3],"data_offsets":[0,384],"x":-Infinity}}""", "the header is not valid JSON" },
        { Model, $$$"""{"{{{Weight}}}":{"dtype":"F32","shape":[32,3],"data_offsets":[0,384.0]}}""", "has something else than integers from 0 on" },
        { Model, "\uFEFF" + $$$"""{"{{{Weight}}}":{{{Tensor}}}}""", "this is no checkpoint" },
        { Model, $$$"""{"{{{Weight}}}":{{{Tensor}}}} x""", "the header is not valid JSON" },
        { Model, $$$"""{"{{{Weight}}}":{{{Tensor}}}} {}""", "the header is not valid JSON" },
        { Model, $$$"""{"{{{Weight}}}":{{{Tensor}}},}""", "the header is not valid JSON" },
        { Model, $$$"""{"{{{Weight}}}":{{{Tensor}}}/* x */}""", "the header is not valid JSON" },
        { Index, $$$"""{"weight_map": {"{{{Weight}}}": "{{{Model}}}", "{{{Weight}}}": "{{{Model}}}"}}""", $"the key '{Weight}' stands twice" },
        { Index, $$$"""{"weight_map": {}, "weight_map": {"{{{Weight}}}": "{{{Model}}}"}}""", "weight_map stands twice" },
        { Index, $$$"""{"weight_map": {"{{{Weight}}}": "{{{Model}}}"}, "weight\u005fmap": {}}""", "weight_map stands twice" },
        { Index, $$$"""{"metadata": {}, "metadata": {"a": 1}, "weight_map": {"{{{Weight}}}": "{{{Model}}}"}}""", "metadata stands twice" },
        { Index, $$$"""{"metadata": {"total_size": NaN}, "weight_map": {"{{{Weight}}}": "{{{Model}}}"}}""", "the index is not valid JSON" },
        { Index, $$$"""{"metadata": {"total_size": Infinity}, "weight_map": {"{{{Weight}}}": "{{{Model}}}"}}""", "the index is not valid JSON" },
        { Index, "\uFEFF" + $$$"""{"weight_map": {"{{{Weight}}}": "{{{Model}}}"}}""", "the index is not valid JSON" },
        { Index, $$$"""{"weight_map": {"{{{Weight}}}": "{{{Model}}}"}} {}""", "the index is not valid JSON" },
        { Index, $$$"""{"weight_map": {"{{{Weight}}}": "{{{Model}}}"}}""" + "\0", "the index is not valid JSON" },
        { Json, "{" + Sizes + """, "n_head": 8}""", "no JSON" },
        { Json, "{" + Sizes + """, "x": NaN}""", "no JSON" },
        { Json, "{" + Sizes + """, "x": -Infinity}""", "no JSON" },
        { Json, "{" + Sizes + """} {}""", "no JSON" },
        { Json, "{" + Sizes + """,}""", "no JSON" },
        { Json, """{"n_head": "4", "n_query_groups": 2, "head_size": 4}""", "'4' is a text for its quotes, and no whole number" },
    };

    /// <summary>The same of the file that only says sizes to this tool, and stays as it is.</summary>
    public static TheoryData<string, string> TrapsOfSizes => new()
    {
        { """{"num_attention_heads": 4, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 4}""", "no JSON object" },
        { """{"num_attention_heads": NaN, "num_key_value_heads": 2, "head_dim": 4}""", "no JSON object" },
        { """{"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": Infinity}""", "no JSON object" },
        { """{"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 4} {"head_dim": 2}""", "no JSON object" },
        { """{"num_attention_heads": "4", "num_key_value_heads": 2, "head_dim": 4}""", "'4' is a text for its quotes, and no whole number" },
        { """{"num_attention_heads": 4.0, "num_key_value_heads": 2, "head_dim": 4}""", "'4.0' is no whole number" },
        { """{"num_attention_heads": 1e400, "num_key_value_heads": 2, "head_dim": 4}""", "'1e400' is no whole number" },
    };

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Traps))]
    public void It_is_refused_and_never_verified(string name, string text, string problem)
    {
        File.Delete(folder.At("original", HuggingFace));
        Assert.Null(Upgrade());
        Assert.Empty(Verify());

        // In the upgrade alone; in both; then in what is to be upgraded.
        File.WriteAllBytes(folder.At("upgraded", name), Bytes(name, text.Replace("attn.att", "attn.qkv", StringComparison.Ordinal).Replace("qkvn", "qkv", StringComparison.Ordinal)));
        Assert.NotEmpty(Verify());
        Put(name, text);
        Assert.NotEmpty(Verify());
        Directory.Delete(folder.At("upgraded"), recursive: true);
        Assert.Contains(problem, Upgrade()?.Problem, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.At("upgraded")));
    }

    [Theory]
    [MemberData(nameof(TrapsOfSizes))]
    public void Sizes_are_not_taken_from_it(string text, string problem)
    {
        File.Delete(folder.At("original", Json));
        Assert.Null(Upgrade());
        Assert.Empty(Verify());

        Put(HuggingFace, text);
        Assert.Contains(Verify(), line => line.Contains(problem, StringComparison.Ordinal));
        Directory.Delete(folder.At("upgraded"), recursive: true);
        Assert.Contains(problem, Upgrade()?.Problem, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.At("upgraded")));
    }

    /// <summary>A mark before the text hides nothing: it is kept, and what is made of the text has none.</summary>
    [Fact]
    public void A_mark_before_a_configuration_is_kept()
    {
        File.Delete(folder.At("original", HuggingFace));
        Put(Json, "\uFEFF{" + Sizes + "}");
        Assert.Null(Upgrade());
        Assert.Empty(Verify());
        Assert.Equal("#qkvmigrate+ made from lit_config.json\nn_head: 4\nn_query_groups: 2\nhead_size: 4\n", File.ReadAllText(folder.At("upgraded", "model_config.yaml")));
        File.WriteAllText(folder.At("upgraded", Json), "{" + Sizes + "}");
        Assert.NotEmpty(Verify());
    }

    private static byte[] Bytes(string name, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return name == Model ? [.. BitConverter.GetBytes((long)bytes.Length), .. bytes, .. Enumerable.Range(0, 384).Select(number => (byte)number)] : bytes;
    }

    private void Put(string name, string text) => File.WriteAllBytes(folder.At("original", name), Bytes(name, text));

    private MigrationException? Upgrade() => Migrator.Run(
            new MigrationRequest { Path = folder.At("original"), Output = folder.At("upgraded"), Direction = MigrationDirection.Upgrade, Engine = () => new StreamReorderEngine() },
            TestContext.Current.CancellationToken)
        .Select(report => report.Error)
        .FirstOrDefault(error => error is not null);

    private List<string> Verify()
    {
        var reports = PathVerifier.Run(folder.At("original"), folder.At("upgraded"), new VerificationOptions(), TestContext.Current.CancellationToken);
        return [.. reports.SelectMany(report => report.Error is { } error ? [error.Message] : report.Differences.Select(difference => difference.ToString()))];
    }
}
