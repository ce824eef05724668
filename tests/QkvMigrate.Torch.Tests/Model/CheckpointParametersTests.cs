using QkvMigrate.Checkpoints;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Torch.Model;
using QkvMigrate.Torch.Tests.Support;
using TorchSharp;
using Xunit;

namespace QkvMigrate.Torch.Tests.Model;

public sealed class CheckpointParametersTests
{
    [Theory]
    [InlineData("")]
    [InlineData("_orig_mod.")]
    [InlineData("module._forward_module.")]
    public void Parameters_are_found_behind_any_prefix(string prefix) => LiveTensors.AreGoneAfter(() =>
    {
        using var file = new WrittenCheckpoint(StoredTensor.Floats($"{prefix}transformer.wte.weight", 3, 2), StoredTensor.Floats($"{prefix}lm_head.weight", 2, 3), StoredTensor.Floats("other", 1));
        var parameters = new CheckpointParameters(file.Checkpoint, torch.ScalarType.Float32, torch.CPU);
        using var first = parameters.Take("transformer.wte.weight", [3, 2]);
        Assert.Equal([0f, 1, 2, 3, 4, 5], first.data<float>().ToArray());
        using var second = parameters.Take("lm_head.weight", [2, 3]);
        Assert.Equal([2L, 3], second.shape);
        if (prefix.Length > 0)
        {
            parameters.RefuseOthers();
        }
    });

    [Fact]
    public void Tensors_without_a_place_are_refused()
    {
        using var file = new WrittenCheckpoint(StoredTensor.Floats("transformer.wte.weight", 1), StoredTensor.Floats("b", 1), StoredTensor.Floats("a", 1));
        var parameters = new CheckpointParameters(file.Checkpoint, null, torch.CPU);
        parameters.Take("transformer.wte.weight", [1]).Dispose();
        var error = Assert.Throws<MigrationException>(parameters.RefuseOthers);
        Assert.Equal((FailureKind.Malformed, "2 tensors that the configuration has no place for; the first is 'a'"), (error.Kind, error.Message));
    }

    [Fact]
    public void A_missing_tensor_is_named()
    {
        using var file = new WrittenCheckpoint(StoredTensor.Floats("transformer.wte.weight", 1));
        var error = Assert.Throws<MigrationException>(() => new CheckpointParameters(file.Checkpoint, null, torch.CPU).Take("lm_head.weight", [1]));
        Assert.Equal((FailureKind.Malformed, "no tensor 'lm_head.weight', which the configuration calls for"), (error.Kind, error.Message));
    }

    [Fact]
    public void Another_shape_is_refused()
    {
        using var file = new WrittenCheckpoint(StoredTensor.Floats("transformer.wte.weight", 2, 3));
        var error = Assert.Throws<MigrationException>(() => new CheckpointParameters(file.Checkpoint, null, torch.CPU).Take("transformer.wte.weight", [3, 2]));
        Assert.Equal((FailureKind.Geometry, "tensor 'transformer.wte.weight': shape (2, 3), but the configuration calls for (3, 2)"), (error.Kind, error.Message));
    }

    [Fact]
    public void Several_types_are_computed_in_float32_only()
    {
        using var file = new WrittenCheckpoint(StoredTensor.Floats("transformer.wte.weight", 1), StoredTensor.Zeros("lm_head.weight", "HalfStorage", 2, 1));
        var stored = new CheckpointParameters(file.Checkpoint, null, torch.CPU);
        stored.Take("transformer.wte.weight", [1]).Dispose();
        var error = Assert.Throws<MigrationException>(() => stored.Take("lm_head.weight", [1]));
        Assert.Equal("tensor 'lm_head.weight': float16, while 'transformer.wte.weight' is float32: a model of several types is computed in float32 only", error.Message);

        using var full = new CheckpointParameters(file.Checkpoint, torch.ScalarType.Float32, torch.CPU).Take("lm_head.weight", [1]);
        Assert.Equal(torch.ScalarType.Float32, full.dtype);
    }

    [Fact]
    public void A_file_without_a_model_is_refused()
    {
        using var file = new WrittenCheckpoint(StoredTensor.Floats("xtransformer.wte.weight", 1), StoredTensor.Floats("transformer.h.0.attn.attn.lora_A", 1));
        var error = Assert.Throws<MigrationException>(() => new CheckpointParameters(file.Checkpoint, null, torch.CPU));
        Assert.Equal((FailureKind.Unsupported, "no 'transformer.wte.weight': this is no whole LitGPT model; adapters and LoRA weights are merged into their base first"), (error.Kind, error.Message));
    }

    [Fact]
    public void Two_models_in_a_file_are_refused()
    {
        using var file = new WrittenCheckpoint(StoredTensor.Floats("transformer.wte.weight", 1), StoredTensor.Floats("ema.transformer.wte.weight", 1));
        var error = Assert.Throws<MigrationException>(() => new CheckpointParameters(file.Checkpoint, null, torch.CPU));
        Assert.Equal("more than one model: 'transformer.wte.weight' and 'ema.transformer.wte.weight'", error.Message);
    }

    private sealed class WrittenCheckpoint : IDisposable
    {
        private readonly WorkFolder folder = new();

        public WrittenCheckpoint(params StoredTensor[] tensors)
        {
            TorchFile.Save(folder.At("lit_model.pth"), tensors);
            Checkpoint = Checkpoint.Open(folder.At("lit_model.pth"));
        }

        public Checkpoint Checkpoint { get; }

        public void Dispose()
        {
            Checkpoint.Dispose();
            folder.Dispose();
        }
    }
}
