using System.Globalization;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;
using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Checkpoints.Safetensors;

/// <summary>Safetensors files, byte by byte: what is read, what is refused, and what a migration changes.</summary>
public sealed class SafetensorsCheckpointTests
{
    /// <summary>Interleaved rows q0 q1 k v of two groups: 8 rows.</summary>
    private static readonly AttentionGeometry Geometry = new(4, 2, 1);

    /// <summary>The interleaved rows 0 to 7 in sequential order: q of both groups, then k, then v.</summary>
    private static readonly byte[] SequentialRows = [0, 1, 4, 5, 2, 6, 3, 7];

    [Fact]
    public void Describes_tensors_in_the_headers_order()
    {
        var bytes = SafetensorsFile.Padded("""{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]},"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"s":{"dtype":"F16","shape":[],"data_offsets":[12,14]},"e":{"dtype":"I64","shape":[0,3],"data_offsets":[14,14]}}""", new byte[14]);
        var start = bytes.Length - 14;
        Assert.Equal(
            [
                ("b", "float32", "2,1", "1,1", start + 4L, 8L),
                ("a", "bfloat16", "2", "1", start + 0L, 4L),
                ("s", "float16", "", "", start + 12L, 2L),
                ("e", "int64", "0,3", "3,1", start + 14L, 0L),
            ],
            CheckpointBytes.Look(bytes, checkpoint => checkpoint.Tensors.Select(tensor => (tensor.Name!.Text, tensor.DType.Name, string.Join(',', tensor.Shape), string.Join(',', tensor.Strides), tensor.FileOffset, tensor.Storage.Length)).ToList()));
        Assert.Equal(CheckpointFormat.Safetensors, CheckpointBytes.Look(bytes, checkpoint => checkpoint.Format));
    }

    [Fact]
    public void Upgrade_edits_keys_in_place_and_keeps_the_data_where_they_are()
    {
        var legacy = SafetensorsFile.Padded("""{ "__metadata__": {"attn.attn":"attn.attn"}, "h.0.attn.attn.weight":{"dtype":"U8","shape":[8,1],"data_offsets":[1,9]},"x":{"data_offsets":[0,1],"shape":[1],"dtype":"BOOL","note":"attn.attn"}}""", [9, 0, 1, 2, 3, 4, 5, 6, 7]);
        var expected = SafetensorsFile.Padded("""{ "__metadata__": {"attn.attn":"attn.attn"}, "h.0.attn.qkv.weight":{"dtype":"U8","shape":[8,1],"data_offsets":[1,9]},"x":{"data_offsets":[0,1],"shape":[1],"dtype":"BOOL","note":"attn.attn"}} """, [9, .. SequentialRows]);
        Assert.Equal(legacy.Length, expected.Length);
        var upgraded = CheckpointBytes.Migrate(legacy, Conversion.Upgrade, Geometry);
        Assert.Equal(expected, upgraded);
        Assert.Equal(legacy, CheckpointBytes.Migrate(upgraded, Conversion.Downgrade, Geometry));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16)]
    public void The_way_back_gives_the_same_bytes_whatever_the_padding(int spaces)
    {
        var legacy = SafetensorsFile.Raw(OneTensor("attn.attn.bias") + new string(' ', spaces), [0, 1, 2, 3, 4, 5, 6, 7]);
        var upgraded = CheckpointBytes.Migrate(legacy, Conversion.Upgrade, Geometry);
        Assert.Equal(SafetensorsFile.Raw(OneTensor("attn.qkv.bias") + new string(' ', spaces + 1), SequentialRows), upgraded);
        Assert.Equal(legacy, CheckpointBytes.Migrate(upgraded, Conversion.Downgrade, Geometry));
    }

    [Fact]
    public void A_header_without_room_grows_by_eight()
    {
        var sequential = SafetensorsFile.Raw(OneTensor("attn.qkv.bias"), SequentialRows);
        Assert.Equal(
            SafetensorsFile.Raw(OneTensor("attn.attn.bias") + new string(' ', 7), [0, 1, 2, 3, 4, 5, 6, 7]),
            CheckpointBytes.Migrate(sequential, Conversion.Downgrade, Geometry));
    }

    [Fact]
    public void Escapes_of_what_does_not_change_stay()
    {
        const string Before = """\u0068\"é\ud83d\ude00.attn\u002eattn.bia\u0073""";
        const string After = """\u0068\"é\ud83d\ude00.attn\u002eqkv.bia\u0073""";
        var legacy = SafetensorsFile.Raw(OneTensor(Before), [0, 1, 2, 3, 4, 5, 6, 7]);
        var upgraded = CheckpointBytes.Migrate(legacy, Conversion.Upgrade, Geometry);
        Assert.Equal(SafetensorsFile.Raw(OneTensor(After) + " ", SequentialRows), upgraded);
        Assert.Equal(legacy, CheckpointBytes.Migrate(upgraded, Conversion.Downgrade, Geometry));
    }

    [Fact]
    public void An_unknown_element_type_is_kept_and_described_by_its_bytes()
    {
        var legacy = SafetensorsFile.Raw("""{"w":{"dtype":"F4","shape":[3,2],"data_offsets":[8,11]},"attn.attn.bias":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", [0, 1, 2, 3, 4, 5, 6, 7, 70, 71, 72]);
        Assert.Equal(("F4", 3L, 3L), CheckpointBytes.Look(legacy, checkpoint => (checkpoint.Tensors[0].DType.Name, checkpoint.Tensors[0].Shape.Single(), checkpoint.Tensors[0].Extent)));
        var upgraded = CheckpointBytes.Migrate(legacy, Conversion.Upgrade, Geometry);
        Assert.Equal([.. SequentialRows, 70, 71, 72], upgraded[^11..]);
    }

    [Fact]
    public void A_tensor_without_elements_may_have_huge_sizes_besides()
    {
        var huge = SafetensorsFile.Raw("""{"w":{"dtype":"F32","shape":[0,1099511627776,1099511627776],"data_offsets":[0,0]}}""", []);
        Assert.Equal((0L, 0L), CheckpointBytes.Look(huge, checkpoint => (checkpoint.Tensors[0].ElementCount, checkpoint.Tensors[0].Extent)));
    }

    [Fact]
    public void Rows_of_an_unknown_element_type_are_refused()
    {
        var legacy = SafetensorsFile.Raw("""{"attn.attn.bias":{"dtype":"F6_E2M3","shape":[8],"data_offsets":[0,8]}}""", new byte[8]);
        var error = Assert.Throws<MigrationException>(() => CheckpointBytes.Migrate(legacy, Conversion.Upgrade, Geometry));
        Assert.Equal("its dtype F6_E2M3 is not known, so that its rows cannot be told apart", error.Problem);
        Assert.Equal(("tensor 'attn.attn.bias'", FailureKind.Unsupported), (error.Where, error.Kind));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}""", "safetensors header at byte 60: the header is not valid JSON")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}x""", "safetensors header at byte 61: the header is not valid JSON")]
    [InlineData("""{"\ud800":{}}""", "safetensors header at byte 18: the header is not valid JSON")]
    [InlineData("""{"a":[]}""", "safetensors header at byte 13: the value of 'a' is no dict")]
    [InlineData("""{"__metadata__":{"format":1}}""", "safetensors header at byte 34: the value of 'format' in __metadata__ is no string")]
    [InlineData("""{"__metadata__":{"f":"","f":""}}""", "safetensors header at byte 32: the key 'f' stands twice")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"\u0061":{}}""", "safetensors header at byte 61: the key 'a' stands twice")]
    [InlineData("""{"a":{"dtype":"U8","dtype":"U8"}}""", "safetensors header at byte 27: the key 'dtype' stands twice")]
    [InlineData("""{"a":{"dtype":8,"shape":[4],"data_offsets":[0,4]}}""", "safetensors header at byte 22: the dtype of 'a' is no string")]
    [InlineData("""{"a":{"dtype":"U8","shape":4,"data_offsets":[0,4]}}""", "safetensors header at byte 35: the shape of 'a' is no list")]
    [InlineData("""{"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}""", "safetensors header at byte 36: the shape of 'a' has something else than integers from 0 on")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}}""", "safetensors header at byte 36: the shape of 'a' has something else than integers from 0 on")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,18446744073709551615]}}""", "safetensors header at byte 57: the data_offsets of 'a' has something else than integers from 0 on")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0]}}""", "tensor 'a': expected dtype, shape and two data_offsets")]
    [InlineData("""{"a":{"shape":[4],"data_offsets":[0,4]}}""", "tensor 'a': expected dtype, shape and two data_offsets")]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", "safetensors header: the tensors have 3 bytes in all, the file has 4 behind its header")]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}""", "tensor 'a': data_offsets [1, 4], expected a start at 0, where the tensor before it ends")]
    [InlineData("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}""", "tensor 'b': data_offsets [1, 4], expected a start at 2, where the tensor before it ends")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"F4","shape":[1],"data_offsets":[4,3]}}""", "tensor 'b': data_offsets [4, 3], expected a start at 4, where the tensor before it ends")]
    [InlineData("""{"a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,4]}}""", "tensor 'a': shape (2, 2) of F16 takes 8 bytes, data_offsets give it 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,4]}}""", "tensor 'a': shape (4294967296, 4294967296, 4) takes more bytes than a file can have")]
    public void A_header_that_breaks_the_rules_is_refused(string header, string message) =>
        Assert.Equal(message, CheckpointBytes.Refusal(SafetensorsFile.Raw(header, new byte[4])));

    [Fact]
    public void A_key_beyond_the_limit_is_refused() =>
        Assert.Equal("a key of 4097 bytes, at most 4096 are read", CheckpointBytes.Refusal(SafetensorsFile.Raw($"{{\"{new string('k', 4097)}\":{{}}}}", [])));

    [Fact]
    public void A_hundred_thousand_tensors_are_read()
    {
        var header = Many(100_000, number => $"\"model.layers.{number % 80}.mlp.experts.{number:d9}.down_proj.weight_scale\":{{\"dtype\":\"U8\",\"shape\":[0,4096],\"data_offsets\":[0,0]}}");
        Assert.Equal(100_000, CheckpointBytes.Look(SafetensorsFile.Raw($"{{{header}}}", []), checkpoint => checkpoint.Tensors.Count));
    }

    [Theory]
    [InlineData(300_000, "{", "\"{0}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", "}")]
    [InlineData(1_500_000, "{\"__metadata__\":{", "\"{0}\":\"\"", "}}")]
    [InlineData(1_500_000, "{\"a\":{", "\"{0}\":0", "}}")]
    [Trait("Category", "Slow")]
    public void A_header_that_takes_too_much_memory_is_refused(int count, string start, string item, string end) =>
        Assert.Equal(
            "safetensors header: what it lists takes more than 104 MiB of memory, as no checkpoint's does",
            CheckpointBytes.Refusal(SafetensorsFile.Raw(start + Many(count, number => string.Format(CultureInfo.InvariantCulture, item, number)) + end, [])));

    [Fact]
    public void A_header_beyond_the_file_is_refused() =>
        Assert.Equal("safetensors header: a header of 9 bytes, the file has 3 behind the length", CheckpointBytes.Refusal([9, 0, 0, 0, 0, 0, 0, 0, .. "{}\n"u8]));

    [Fact]
    public void A_header_beyond_the_limit_is_refused() =>
        Assert.Equal("safetensors header: a header of 33554433 bytes, at most 33554432 are read", CheckpointBytes.Refusal([1, 0, 0, 2, 0, 0, 0, 0, .. "{}"u8]));

    [Fact]
    public void A_header_that_is_no_UTF8_is_refused() =>
        Assert.Equal("safetensors header at byte 8: the header is not valid UTF-8", CheckpointBytes.Refusal([5, 0, 0, 0, 0, 0, 0, 0, .. "{\""u8, 0xff, .. "\"}"u8]));

    [Fact]
    public void A_file_that_does_not_start_with_a_brace_is_no_safetensors() =>
        Assert.Equal("this is no checkpoint: expected a file that torch.save wrote, or safetensors", CheckpointBytes.Refusal([3, 0, 0, 0, 0, 0, 0, 0, .. " {}"u8]));

    private static string Many(int count, Func<int, string> item) => string.Join(',', Enumerable.Range(0, count).Select(item));

    private static string OneTensor(string key) => "{\"" + key + "\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}";
}
