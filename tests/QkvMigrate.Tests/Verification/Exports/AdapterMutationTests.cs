using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using QkvMigrate.Checkpoints;
using QkvMigrate.Exporting;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification.Exports;

/// <summary>Changes adapters of PEFT's that were made of LitGPT's LoRA; none may pass, and each is named.</summary>
public sealed class AdapterMutationTests
{
    private const string Weights = "adapter_model.safetensors";
    private const string Configuration = "adapter_config.json";
    private const int Rank = 2;
    private const int Width = 20;

    /// <summary>Rows of q, of k and of v: 6 heads in 2 groups of 4 rows.</summary>
    private static readonly int[] Rows = [24, 8, 8];

    public static TheoryData<string, string> Ages => [("attn.attn", "qkv"), ("attn.attn", "qv"), ("attn.attn", "k"), ("attn.qkv", "qkv"), ("attn.qkv", "kv")];

    [Theory]
    [MemberData(nameof(Ages))]
    public void A_bit_two_rows_a_name_or_a_tensor_is_missed(string module, string sections)
    {
        using var pair = Pair(module, sections);
        Assert.Equal([], pair.Verify().Differences);
        foreach (var name in SafetensorsImage.Of(pair.Files[Weights]).Names)
        {
            var place = $"tensor '{name}'";
            Caught(pair, image => image.Bytes(name)[2] ^= 1, place);
            Caught(pair, image => image.Bytes(name)[^1] ^= 128, place);
            Caught(pair, image => Swap(image.Bytes(name), image.Bytes(name).Length / image.Shape(name)[0]), place);
            Caught(pair, image => image.Rename(name, $"{name}s"), $"{name}s");
            Caught(pair, image => image.Remove(name), place);
            Caught(pair, image => image.Header[name]!["shape"] = new JsonArray(1, image.Bytes(name).Length / sizeof(float)), place);
        }

        Caught(pair, image => image.Add("base_model.model.model.layers.0.mlp.up_proj.lora_A.weight", [1], new byte[4]), "up_proj");
    }

    [Theory]
    [MemberData(nameof(Ages))]
    public void A_value_of_the_configuration_is_missed(string module, string sections)
    {
        using var pair = Pair(module, sections);
        foreach (var (name, value) in JsonNode.Parse(pair.Files[Configuration])!.AsObject())
        {
            CaughtInJson(pair, config => config.Remove(name));
            CaughtInJson(pair, config => config[name] = value switch
            {
                JsonArray => new JsonArray("q_proj"),
                null => 1,
                _ => value.GetValueKind() switch
                {
                    System.Text.Json.JsonValueKind.Number => value.GetValue<double>() + 1,
                    System.Text.Json.JsonValueKind.String => $"{(string)value!}x",
                    _ => !(bool)value,
                },
            });
        }

        CaughtInJson(pair, config => config["rank_pattern"] = new JsonObject { ["q_proj"] = 4 });
    }

    [Fact]
    public void Converted_matrices_are_rounded_to_the_nearest_zeros_too()
    {
        using var pair = Pair("attn.attn", "qkv", new ExportOptions { DType = DType.ByName("bfloat16") });
        Assert.Equal([], pair.Verify().Differences);
        foreach (var name in SafetensorsImage.Of(pair.Files[Weights]).Names)
        {
            Caught(pair, image => image.Bytes(name)[0]++, $"tensor '{name}'");
        }
    }

    /// <summary>Of all three, the legacy delta was added to interleaved rows: an adapter of the same rank adds it to other heads.</summary>
    [Fact]
    public void A_delta_that_comes_to_other_heads_is_missed()
    {
        using var upgraded = Pair("attn.qkv", "qkv");
        using var legacy = Pair("attn.attn", "qkv");
        foreach (var (name, bytes) in upgraded.Files)
        {
            File.WriteAllBytes(Path.Combine(legacy.Exported, name), bytes);
        }

        Assert.Contains("other heads", Assert.Single(legacy.Verify().Differences).Problem, StringComparison.Ordinal);
    }

    /// <summary>Each of q, k and v has all of A then: 0·NaN is NaN where the old LoRA had numbers. An adapter of the same rank has none of that.</summary>
    [Theory]
    [InlineData("attn.attn", "qkv", false)]
    [InlineData("attn.qkv", "qkv", true)]
    [InlineData("attn.attn", "qv", true)]
    public void NaN_in_matrices_that_all_sections_share_is_missed(string module, string sections, bool isRight)
    {
        using var pair = Pair(module, sections);
        Put(Path.Combine(pair.Original, "lit_model.pth.lora"), name => name == $"transformer.h.0.{module}.lora_A");
        Put(Path.Combine(pair.Exported, Weights), name => isRight
            ? name.EndsWith("layers.0.self_attn.q_proj.lora_A.weight", StringComparison.Ordinal)
            : name.Contains("layers.0.self_attn", StringComparison.Ordinal) && name.EndsWith("lora_A.weight", StringComparison.Ordinal) && !name.Contains("o_proj", StringComparison.Ordinal));

        var report = pair.Verify();

        Assert.Equal(isRight ? [] : [$"tensor 'transformer.h.0.{module}.lora_A'"], report.Differences.Select(difference => difference.Place));
        var again = Assert.Single(Migrator.Run(
            new MigrationRequest { Path = pair.Original, Output = $"{pair.Exported}-again", Direction = MigrationDirection.Upgrade, Export = new ExportOptions(), Engine = () => throw new InvalidOperationException() },
            TestContext.Current.CancellationToken));
        Assert.Equal(isRight, again.Error is null);
        Assert.True(isRight || again.Error!.Message.Contains("an adapter of higher rank: the number in row 0, column 0 is infinite or NaN", StringComparison.Ordinal), again.Error?.Message);

        static void Put(string path, Predicate<string> isOne)
        {
            var image = SafetensorsImage.Of(File.ReadAllBytes(path));
            foreach (var name in image.Names.Where(name => isOne(name)))
            {
                BinaryPrimitives.WriteSingleLittleEndian(image.Bytes(name), float.NaN);
            }

            File.WriteAllBytes(path, image.ToFile());
        }
    }

    private static ExportedPair Pair(string module, string sections, ExportOptions? options = null) => ExportedPair.Made(pair => Write(pair.Original, module, sections), options);

    private static void Write(string folder, string module, string sections)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "model_config.yaml"), ModelOfAFamily.Configuration("LlamaForCausalLM"));
        File.WriteAllText(
            Path.Combine(folder, "hyperparameters.yaml"),
            $"lora_r: {Rank}\nlora_alpha: 16\nlora_query: {Word('q')}\nlora_key: {Word('k')}\nlora_value: {Word('v')}\n");
        var rows = sections.Sum(section => Rows["qkv".IndexOf(section, StringComparison.Ordinal)]);
        var tensors = new List<(string, string, int[])>();
        for (var layer = 0; layer < 2; layer++)
        {
            tensors.Add(($"transformer.h.{layer}.{module}.lora_A", "F32", [Rank * sections.Length, Width]));
            tensors.Add(($"transformer.h.{layer}.{module}.lora_B", "F32", [rows, Rank]));
            tensors.Add(($"transformer.h.{layer}.attn.proj.lora_A", "F32", [Rank, Rows[0]]));
            tensors.Add(($"transformer.h.{layer}.attn.proj.lora_B", "F32", [Width, Rank]));
        }

        tensors.Add(("lm_head.lora_A", "F32", [Rank, Width]));
        tensors.Add(("lm_head.lora_B", "F32", [32, Rank]));
        var values = new byte[tensors.Sum(tensor => tensor.Item3[0] * tensor.Item3[1]) * sizeof(float)];
        for (var i = 0; i < values.Length / sizeof(float); i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(values.AsSpan(i * sizeof(float)), 1 + (i * 0.0123456789f));
        }

        File.WriteAllBytes(Path.Combine(folder, "lit_model.pth.lora"), SafetensorsFile.Write(tensors, sizeof(float), values));

        string Word(char section) => sections.Contains(section) ? "true" : "false";
    }

    private static void Swap(Span<byte> rows, int row)
    {
        var first = rows[..row].ToArray();
        rows[^row..].CopyTo(rows);
        first.CopyTo(rows[^row..]);
    }

    private static void Caught(ExportedPair pair, Action<SafetensorsImage> change, string place) => Names(
        pair.With(Weights, bytes =>
        {
            var image = SafetensorsImage.Of(bytes);
            change(image);
            return image.ToFile();
        }),
        place);

    private static void CaughtInJson(ExportedPair pair, Action<JsonObject> change) => Names(
        pair.With(Configuration, bytes =>
        {
            var json = JsonNode.Parse(bytes)!.AsObject();
            change(json);
            return Encoding.UTF8.GetBytes(json.ToJsonString());
        }),
        Configuration);

    private static void Names(VerificationReport report, string place)
    {
        Assert.False(report.IsVerified, place);
        Assert.Null(report.Error);
        Assert.Contains(report.Differences, difference => difference.ToString().Contains(place, StringComparison.Ordinal));
    }
}
