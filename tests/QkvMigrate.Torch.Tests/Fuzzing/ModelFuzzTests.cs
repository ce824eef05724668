using System.Text;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Fuzzing;
using QkvMigrate.Torch.Generation;
using QkvMigrate.Torch.Model;
using Xunit;

namespace QkvMigrate.Torch.Tests.Fuzzing;

/// <summary>Mutated inputs for the files that only <c>generate</c> and its kin read.</summary>
[Collection(FuzzSchedule.Name)]
public sealed class ModelFuzzTests(ITestOutputHelper log) : IDisposable
{
    private const string Tokenizer = """
        {"version": "1.0", "added_tokens": [{"id": 6, "content": "<|end|>", "special": true}], "normalizer": {"type": "NFC"},
         "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}, "post_processor": null,
         "model": {"type": "BPE", "dropout": null, "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4, "c": 5}, "merges": ["a b", ["Ġ", "ab"]]}}
        """;

    private const string SplitTokenizer = """
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "a+|\\s"}, "behavior": "Isolated", "invert": false}, {"type": "ByteLevel", "use_regex": false}]},
         "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}}
        """;

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Configurations_are_read_or_refused()
    {
        var seeds = Repository.Directories("tests", "golden").Select(name => File.ReadAllBytes(Repository.At("tests", "golden", name, "model_config.yaml")));
        var target = new FuzzTarget(
            [.. seeds, "{\"name\": \"x\", \"n_head\": 4, \"n_embd\": 64, \"rope_adjustments\": {\"factor\": 8.0, \"low_freq_factor\": 1, \"high_freq_factor\": 4, \"original_max_seq_len\": 8192}}"u8.ToArray()],
            [.. FuzzTarget.Single([.. "{}[]:,-#&*!|>'\"%@`\n\r\t 0e\\~"u8, 0xff, 0xc2]), "-1"u8.ToArray(), "1e999"u8.ToArray(), ".nan"u8.ToArray(), "16777216"u8.ToArray()],
            bytes =>
            {
                File.WriteAllBytes(folder.At("model_config.yaml"), bytes);
                ModelConfigurationReader.Read(folder.At("model_config.yaml"));
            });
        log.WriteLine(new FuzzRun("model", target).Run(1_000));
    }

    [Fact]
    public void Tokenizers_are_read_or_refused()
    {
        var words = new[] { "{", "}", "[", "]", ":", ",", "\"", "null", "true", "-1", "2147483648", "\"\\ud800\"", "\"BPE\"", "(", "*", "\\\\" };
        var target = new FuzzTarget(
            [Encoding.UTF8.GetBytes(Tokenizer), Encoding.UTF8.GetBytes(SplitTokenizer)],
            [.. words.Select(Encoding.ASCII.GetBytes)],
            bytes =>
            {
                File.WriteAllBytes(folder.At("tokenizer.json"), bytes);
                JsonTokenizer.Read(folder.At("tokenizer.json")).Encode("ab aab");
            });
        log.WriteLine(new FuzzRun("tokenizer", target).Run(1_000));
    }
}
