using System.Text;
using System.Text.Json.Nodes;
using QkvMigrate.Checkpoints;
using QkvMigrate.Exporting;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification.Exports;

/// <summary>Changes right exports in every way that an exporter could go wrong; none may pass, and each is named. The seeds are fixed.</summary>
[Trait("Category", "Slow")]
public sealed class ExportMutationTests
{
    private const string Weights = "model.safetensors";
    private const string Index = "model.safetensors.index.json";
    private const string Configuration = "config.json";

    public static TheoryData<string> Families => [.. ModelOfAFamily.All];

    [Theory]
    [MemberData(nameof(Families))]
    public void A_bit_of_any_tensor_is_missed(string family)
    {
        using var pair = ExportedPair.Of(family);
        var random = new Random(20261);
        foreach (var name in SafetensorsImage.Of(pair.Files[Weights]).Names)
        {
            var bit = random.Next(8 * SafetensorsImage.Of(pair.Files[Weights]).Bytes(name).Length);
            Caught(pair, Weights, image => image.Bytes(name)[bit / 8] ^= (byte)(1 << (bit % 8)), $"tensor '{name}'");
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Two_runs_of_rows_in_each_others_place_are_missed(string family)
    {
        using var pair = ExportedPair.Of(family);
        foreach (var name in SafetensorsImage.Of(pair.Files[Weights]).Names)
        {
            var rows = SafetensorsImage.Of(pair.Files[Weights]).Shape(name)[0];
            foreach (var run in new[] { 1, 4 }.Where(run => 2 * run <= rows))
            {
                Caught(pair, Weights, image => Swap(image.Bytes(name), run * image.Bytes(name).Length / rows), $"tensor '{name}'");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Two_tensors_of_one_shape_in_each_others_place_are_missed(string family)
    {
        using var pair = ExportedPair.Of(family);
        var whole = SafetensorsImage.Of(pair.Files[Weights]);
        foreach (var (first, second) in whole.Names.GroupBy(name => string.Join(',', whole.Shape(name))).SelectMany(same => same.Zip(same.Skip(1))))
        {
            Caught(
                pair,
                Weights,
                image =>
                {
                    image.Rename(first, "kept aside");
                    image.Rename(second, first);
                    image.Rename("kept aside", second);
                },
                $"tensor '{first}'");
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_tensor_of_another_name_or_that_is_not_there_is_missed(string family)
    {
        using var pair = ExportedPair.Of(family);
        foreach (var name in SafetensorsImage.Of(pair.Files[Weights]).Names)
        {
            Caught(pair, Weights, image => image.Rename(name, $"{name}s"), $"tensor '{name}'", $"tensor '{name}s'");
            Caught(pair, Weights, image => image.Remove(name), $"tensor '{name}'");
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_tensor_too_many_or_of_another_shape_is_missed(string family)
    {
        using var pair = ExportedPair.Of(family);
        var names = SafetensorsImage.Of(pair.Files[Weights]).Names;
        Caught(pair, Weights, image => image.Add("model.layers.0.self_attn.rotary_emb.inv_freq", [2], new byte[8]), "tensor 'model.layers.0.self_attn.rotary_emb.inv_freq'");
        Caught(pair, Weights, image => image.Add("nothing", [0, 5], []), "tensor 'nothing'");
        foreach (var name in names)
        {
            Caught(pair, Weights, image => image.Header[name]!["shape"] = new JsonArray(1, image.Bytes(name).Length / sizeof(float)), $"tensor '{name}'");
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_value_of_the_configuration_is_missed(string family)
    {
        using var pair = ExportedPair.Of(family);
        var fields = JsonNode.Parse(pair.Files[Configuration])!.AsObject();
        foreach (var field in fields.Select(field => field.Key))
        {
            CaughtInJson(pair, Configuration, config => config[field] = Other(config[field]), field == "model_type" ? "model_type" : field);
            if (fields[field] is not null)
            {
                CaughtInJson(pair, Configuration, config => config.Remove(field), field);
            }
        }

        CaughtInJson(pair, Configuration, config => config["num_layers"] = 3, "num_layers");
    }

    [Theory]
    [InlineData("float16")]
    [InlineData("bfloat16")]
    public void A_number_that_was_rounded_the_wrong_way_is_missed(string dtype)
    {
        using var pair = ExportedPair.Of("LlamaForCausalLM", options: new ExportOptions { DType = DType.ByName(dtype) });
        foreach (var name in SafetensorsImage.Of(pair.Files[Weights]).Names)
        {
            Caught(pair, Weights, image => image.Bytes(name)[0]++, $"tensor '{name}'");
            Caught(pair, Weights, image => image.Bytes(name)[^2]--, $"tensor '{name}'");
            Caught(pair, Weights, image => image.Header[name]!["dtype"] = dtype == "float16" ? "BF16" : "F16", $"tensor '{name}'");
        }
    }

    [Fact]
    public void A_wrong_index_is_missed()
    {
        using var pair = Sharded();
        CaughtInJson(pair, Index, index => index["metadata"]!["total_size"] = (long)index["metadata"]!["total_size"]! + 1, "metadata/total_size");
        CaughtInJson(pair, Index, index => index["metadata"]!["note"] = "of mine", "metadata/note");
        CaughtInJson(pair, Index, index => index.Remove("metadata"), "metadata");
        var map = JsonNode.Parse(pair.Files[Index])!["weight_map"]!.AsObject().ToDictionary(entry => entry.Key, entry => (string)entry.Value!);
        foreach (var (name, file) in map)
        {
            var other = map.Values.First(other => other != file);
            CaughtInJson(pair, Index, index => index["weight_map"]![name] = other, name);
            CaughtInJson(pair, Index, index => index["weight_map"]!.AsObject().Remove(name), name);
        }

        CaughtInJson(pair, Index, index => index["weight_map"]!["nothing"] = map.Values.First(), "nothing");
        CaughtInJson(pair, Index, index => index["weight_map"]!["nothing"] = "model-00099-of-00099.safetensors", "model-00099-of-00099.safetensors");
    }

    [Fact]
    public void A_shard_that_is_cut_padded_or_gone_is_missed()
    {
        using var pair = Sharded();
        foreach (var shard in pair.Files.Keys.Where(name => name.EndsWith(".safetensors", StringComparison.Ordinal)))
        {
            Names(pair.With(shard, bytes => bytes[..^1]), shard);
            Names(pair.With(shard, bytes => [.. bytes, 0]), shard);
            Names(pair.With(shard, _ => []), shard);
            Names(pair.With(shard, bytes => [.. BitConverter.GetBytes(BitConverter.ToInt64(bytes) + 1), .. bytes[8..]]), shard);
            File.Delete(Path.Combine(pair.Exported, shard));
            Names(pair.Verify(), shard);
            File.WriteAllBytes(Path.Combine(pair.Exported, shard), pair.Files[shard]);
        }

        Assert.True(pair.Verify().IsVerified);
    }

    [Theory]
    [InlineData("tokenizer.json")]
    [InlineData("generation_config.json")]
    [InlineData(Configuration)]
    public void A_file_that_is_gone_or_not_the_copy_that_it_was_is_missed(string file)
    {
        using var pair = ExportedPair.Made(made =>
        {
            ModelOfAFamily.Write("LlamaForCausalLM", made.Original, isLegacy: true);
            File.WriteAllText(Path.Combine(made.Original, "tokenizer.json"), "{\"model\": 1}");
        });
        Names(pair.With(file, bytes => [.. bytes[..^4], (byte)'7', .. bytes[^4..]]), file);
        File.Delete(Path.Combine(pair.Exported, file));
        Names(pair.Verify(), file);
    }

    [Theory]
    [InlineData("model-00001-of-00002.safetensors")]
    [InlineData(Index)]
    [InlineData("pytorch_model.bin")]
    [InlineData("notes.txt")]
    public void A_file_too_many_is_missed(string file)
    {
        using var pair = ExportedPair.Of("LlamaForCausalLM");
        File.WriteAllText(Path.Combine(pair.Exported, file), "{}");
        Names(pair.Verify(), file);
    }

    [Fact]
    public void A_configuration_that_came_along_and_was_changed_is_missed()
    {
        using var made = ExportedPair.Of("LlamaForCausalLM");
        using var pair = ExportedPair.Made(other =>
        {
            ModelOfAFamily.Write("LlamaForCausalLM", other.Original, isLegacy: true);
            var config = JsonNode.Parse(made.Files[Configuration])!.AsObject();
            config["transformers_version"] = "4.40.0";
            config["torch_dtype"] = "bfloat16";
            File.WriteAllText(Path.Combine(other.Original, Configuration), config.ToJsonString());
        });
        Assert.Equal([], pair.Verify().Differences);
        foreach (var field in JsonNode.Parse(pair.Files[Configuration])!.AsObject().Select(field => field.Key))
        {
            CaughtInJson(pair, Configuration, config => config[field] = Other(config[field]), field);
        }
    }

    [Fact]
    public void A_head_that_loading_would_take_from_the_embedding_is_missed()
    {
        using var pair = ExportedPair.Of("LlamaForCausalLM");
        CaughtInJson(pair, Configuration, config => config["tie_word_embeddings"] = true, "ties the output head");
    }

    /// <summary>The header of every file: each byte of it changed in one bit.</summary>
    [Fact]
    public void A_bit_of_a_header_is_missed()
    {
        using var pair = ExportedPair.Of("LlamaForCausalLM");
        var header = sizeof(long) + (int)BitConverter.ToInt64(pair.Files[Weights]);
        var random = new Random(20262);
        for (var at = 0; at < header; at += 3)
        {
            var bit = random.Next(8);
            var report = pair.With(Weights, bytes =>
            {
                bytes[at] ^= (byte)(1 << bit);
                return bytes;
            });
            Assert.False(report.IsVerified, $"bit {bit} of byte {at}");
        }
    }

    private static ExportedPair Sharded() => ExportedPair.Of("LlamaForCausalLM", options: new ExportOptions { MaximumShardBytes = 6000 });

    private static void Swap(Span<byte> rows, int run)
    {
        var first = rows[..run].ToArray();
        rows.Slice(run, run).CopyTo(rows);
        first.CopyTo(rows[run..]);
    }

    /// <summary>Another value of the same kind, of a nested one its first leaf's.</summary>
    private static JsonNode? Other(JsonNode? value)
    {
        switch (value)
        {
            case JsonObject fields:
                var changed = fields.DeepClone().AsObject();
                changed[fields.First().Key] = Other(fields.First().Value);
                return changed;
            case JsonArray items:
                return new JsonArray([.. items.Select((item, i) => i == 0 ? Other(item) : item?.DeepClone()), .. items.Count == 0 ? new JsonNode?[] { 0 } : []]);
            case null:
                return 1;
            default:
                return value.GetValueKind() switch
                {
                    System.Text.Json.JsonValueKind.True => false,
                    System.Text.Json.JsonValueKind.False => true,
                    System.Text.Json.JsonValueKind.Number => value.GetValue<double>() + 1,
                    _ => $"{(string)value!}x",
                };
        }
    }

    private static void Caught(ExportedPair pair, string file, Action<SafetensorsImage> change, params string[] places)
    {
        var report = pair.With(file, bytes =>
        {
            var image = SafetensorsImage.Of(bytes);
            change(image);
            return image.ToFile();
        });
        foreach (var place in places)
        {
            Names(report, place);
        }
    }

    private static void CaughtInJson(ExportedPair pair, string file, Action<JsonObject> change, string name) => Names(
        pair.With(file, bytes =>
        {
            var json = JsonNode.Parse(bytes)!.AsObject();
            change(json);
            return Encoding.UTF8.GetBytes(json.ToJsonString());
        }),
        name);

    private static void Names(VerificationReport report, string place)
    {
        Assert.False(report.IsVerified, place);
        Assert.Null(report.Error);
        Assert.Contains(report.Differences, difference => difference.ToString().Contains(place, StringComparison.Ordinal));
    }
}
