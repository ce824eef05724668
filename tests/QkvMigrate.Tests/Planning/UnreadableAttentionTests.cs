using QkvMigrate.Running;
using QkvMigrate.Tests.Running.Values;
using Xunit;

namespace QkvMigrate.Tests.Planning;

/// <summary>Values under fused names that PyTorch 1.13 does not make, or that take several machines to make: each is refused by its key, with what it is.</summary>
public sealed class UnreadableAttentionTests
{
    private const string Key = "transformer.h.0.attn.attn.weight";
    private const string Other = "transformer.h.1.attn.attn.weight";

    public static TheoryData<string, string> Kinds { get; } = new()
    {
        { Leaves.Meta.Kind, "a meta tensor of shape (16, 8)" },
        { Leaves.Xla.Kind, "a tensor of another device (torch._utils._rebuild_xla_tensor) of shape (16, 8)" },
        { Leaves.Device.Kind, "a tensor of another device (torch._utils._rebuild_device_tensor_from_numpy) of shape (16, 8)" },
        { Leaves.Sharded.Kind, "a part of a tensor (torch.distributed._shard.sharded_tensor.api.ShardedTensor), global shape (32, 8), local shape (16, 8)" },
        { Leaves.Distributed.Kind, "a part of a tensor (torch.distributed.tensor.DTensor), global shape (64, 8), local shape (16, 8)" },
        { Leaves.Quantized.Kind, "a tensor of the class torchao.dtypes.affine_quantized_tensor.AffineQuantizedTensor of shape (16, 8)" },
        { Leaves.Subclass.Kind, "a tensor of the class bitsandbytes.nn.modules.Params4bit" },
        { Leaves.Scaled.Kind, "a tensor with tensors among its attributes" },
        { Leaves.Sparse.Kind, "a sparse tensor of shape (16, 8)" },
        { Leaves.Array.Kind, "a numpy array of shape (16, 8)" },
        { Leaves.Matrix.Kind, "a list of 16" },
        { Leaves.Reference.Kind, "a reference to a tensor in another file (torch_xla.utils.serialization.TensorReference)" },
        { Leaves.Module.Kind, "a whole module (torch.nn.modules.linear.Linear)" },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Beside_a_fused_tensor_it_is_refused(string kind, string description) =>
        AssertRefused(new Map(Map.Plain, [(Key, Of(kind)), (Other, Leaves.Strided)]), Key, description);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Without_one_it_is_refused_as_well(string kind, string description) =>
        AssertRefused(new Map(Map.Plain, [("model", new Map(Map.Ordered, [("lm_head.weight", Leaves.Strided), (Key, Of(kind))]))]), $"model/{Key}", description);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Under_todays_name_behind_a_wrapper_it_is_refused_too(string kind, string description) =>
        AssertRefused(new Map(Map.Plain, [("transformer.h.0.attn._orig_mod.qkv.weight", Of(kind))]), "transformer.h.0.attn._orig_mod.qkv.weight", description);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void In_a_list_under_the_name_it_is_found(string kind, string description)
    {
        Assert.NotEmpty(description);
        AssertRefused(new Map(Map.Plain, [(Key, new Row(IsTuple: false, [Leaves.Number, Of(kind)]))]), Key, "list of 2");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Under_other_names_it_is_nobodys_business(string kind, string description)
    {
        Assert.NotEmpty(description);
        AssertUpgraded(new Map(Map.Plain, [("lm_head.weight", Of(kind)), (Key, Leaves.Strided), ("transformer.h.0.attn.proj.scale", Of(kind))]));
    }

    [Fact]
    public void Beside_a_fused_tensor_plain_data_is_refused() =>
        Assert.All(Leaves.Data, data => AssertRefused(new Map(Map.Plain, [(Key, data), (Other, Leaves.Strided)]), Key, "half a model"), throwIfEmpty: true);

    [Fact]
    public void Elsewhere_plain_data_stays_and_is_told_of()
    {
        var data = new Map(Map.Plain, [.. Leaves.Data.Select((value, i) => ($"transformer.h.{i}.attn.attn.weight", (PickledValue)value))]);
        var advice = AssertUpgraded(new Map(Map.Plain, [("model", new Map(Map.Plain, [(Key, Leaves.Strided)])), ("data", data)])).Advice;
        Assert.Equal(
            "names of fused attention that hold no tensors stay as they are: 'data/transformer.h.0.attn.attn.weight' (None), 'data/transformer.h.1.attn.attn.weight' (a number), 'data/transformer.h.2.attn.attn.weight' (a string) and 2 more",
            Assert.Single(advice, item => item.Code == "fused-name-on-plain-data").Message);
    }

    [Fact]
    public void Tensors_that_FSDP_has_cloned_are_plain_ones() =>
        AssertUpgraded(new Map(Map.Ordered, [(Key, Leaves.Cloned), (Other, Leaves.Parameter)]));

    [Fact]
    public void A_tensor_under_the_modules_own_name_is_refused() =>
        AssertRefused(new Map(Map.Plain, [("transformer.h.0.attn.attn", Leaves.Strided)]), "transformer.h.0.attn.attn", "the module itself");

    [Theory]
    [InlineData("_flat_param")]
    [InlineData("_fsdp_wrapped_module.flat_param")]
    [InlineData("transformer.h.0._fsdp_wrapped_module._flat_param")]
    [InlineData("flat_param_12")]
    public void Flat_parameters_are_refused(string key)
    {
        AssertRefused(new Map(Map.Plain, [(key, Leaves.Strided)]), key, "flat parameter of FSDP");
        AssertRefused(new Map(Map.Plain, [(key, Leaves.Sharded)]), key, "flat parameter of FSDP");
    }

    [Fact]
    public void Modules_are_named_as_their_state_dict_would_name_them()
    {
        static Map Module(params (string, PickledValue)[] modules) => new(Map.Instance, [("_parameters", new Map(Map.Ordered, [])), ("_modules", new Map(Map.Ordered, modules))]);
        var attention = Module(("attn", Leaves.Module), ("proj", Leaves.Module));
        AssertRefused(new Map(Map.Plain, [("ema", Module(("h", Module(("3", Module(("attn", attention)))))))]), "ema.h.3.attn.attn.weight", "a whole module");
    }

    [Fact]
    public void Modules_without_attention_are_left_alone() =>
        AssertUpgraded(new Map(Map.Plain, [("loss", Leaves.Module), ("model", new Map(Map.Plain, [(Key, Leaves.Strided)]))]));

    private static Leaf Of(string kind) => Leaves.Unreadable.Single(leaf => leaf.Kind == kind);

    private static void AssertRefused(Map root, string key, string description)
    {
        using var file = new ValueFile(root);
        foreach (var direction in Enum.GetValues<MigrationDirection>())
        {
            var report = ValueFile.Migrate(file.Original, file.Upgraded, direction);
            Assert.Equal((CheckpointStatus.Refused, FailureKind.Unreadable), (report.Status, report.Error!.Kind));
            Assert.Equal($"'{key}'", report.Error.Where);
            Assert.Contains(description, report.Error.Problem, StringComparison.Ordinal);
            Assert.False(File.Exists(file.Upgraded));
        }
    }

    private static CheckpointReport AssertUpgraded(Map root)
    {
        using var file = new ValueFile(root);
        var report = file.Upgrade();
        Assert.Null(report.Error);
        Assert.Equal(CheckpointStatus.Upgraded, report.Status);
        Assert.True(file.Verify().IsVerified);
        Assert.Null(ValueFile.Migrate(file.Upgraded, file.Back, MigrationDirection.Downgrade).Error);
        Assert.Equal(file.Bytes, File.ReadAllBytes(file.Back));
        return report;
    }
}
