using QkvMigrate.Configuration.Models;
using QkvMigrate.Layouts;
using QkvMigrate.Reordering;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Torch.Model;
using QkvMigrate.Torch.Tests.Support;
using TorchSharp;
using Xunit;

namespace QkvMigrate.Torch.Tests.Model;

public sealed class CheckpointModelTests
{
    [Fact]
    public void A_directory_stands_for_its_checkpoint()
    {
        using var folder = new WorkFolder();
        folder.Write("model_config.yaml", "n_layer: 3");
        folder.Write("notes.txt", "no checkpoint");
        Assert.Equal($"{folder.At()}: no checkpoint in this directory", Assert.Throws<MigrationException>(() => CheckpointLocation.Find(folder.At())).Message);

        TorchFile.Save(folder.At("a.pth"), StoredTensor.Floats("x", 1));
        var only = CheckpointLocation.Find(folder.At());
        Assert.Equal((folder.At("a.pth"), 3), (only.File, only.Configuration.LayerCount));

        TorchFile.Save(folder.At("b.pth"), StoredTensor.Floats("x", 1));
        var error = Assert.Throws<MigrationException>(() => CheckpointLocation.Find(folder.At()));
        Assert.Equal((FailureKind.Usage, $"{folder.At()}: 2 checkpoints and none is lit_model.pth; name one: a.pth, b.pth"), (error.Kind, error.Message));

        TorchFile.Save(folder.At("lit_model.pth"), StoredTensor.Floats("x", 1));
        Assert.Equal(folder.At("lit_model.pth"), CheckpointLocation.Find(folder.At()).File);
        Assert.Equal(folder.At("b.pth"), CheckpointLocation.Find(folder.At("b.pth")).File);
    }

    [Fact]
    public void A_path_that_is_not_there_is_told()
    {
        using var folder = new WorkFolder();
        var error = Assert.Throws<MigrationException>(() => CheckpointLocation.Find(folder.At("none")));
        Assert.Equal((FailureKind.Io, $"{folder.At("none")}: no such file or directory"), (error.Kind, error.Message));
    }

    [Fact]
    public void A_configuration_must_lie_beside_it()
    {
        using var folder = new WorkFolder();
        TorchFile.Save(folder.At("lit_model.pth"), StoredTensor.Floats("x", 1));
        var error = Assert.Throws<MigrationException>(() => CheckpointLocation.Find(folder.At()));
        Assert.Equal((FailureKind.Unsupported, $"{folder.At("lit_model.pth")}: no model_config.yaml or lit_config.json beside it, so what the model is made of is not known"), (error.Kind, error.Message));
    }

    [Theory]
    [InlineData("transformer.h.0.attn.c_attn.weight")]
    [InlineData("transformer.wte.weight")]
    public void A_model_that_is_none_of_LitGPTs_is_refused(string tensor)
    {
        using var folder = new WorkFolder();
        var path = folder.At("file.pth");
        TorchFile.Save(path, StoredTensor.Floats(tensor, 2));
        var error = Assert.Throws<MigrationException>(() => CheckpointModel.Load(path, new ModelConfiguration(), ModelPrecision.Full, ComputeDevice.Cpu));
        Assert.Equal((FailureKind.Unsupported, $"{path}: no LitGPT model: neither attn.attn nor attn.qkv stands in it"), (error.Kind, error.Message));
    }

    [Fact]
    public void A_model_that_does_not_come_about_leaves_nothing() => LiveTensors.AreGoneAfter(() =>
    {
        var location = CheckpointLocation.Find(GoldenLogits.Path("llama-gqa"));
        foreach (var (layers, message) in new[]
        {
            (3, "no tensor 'transformer.h.2.norm_1.weight', which the configuration calls for"),
            (1, "7 tensors that the configuration has no place for; the first is 'transformer.h.1.attn.attn.weight'"),
        })
        {
            var error = Assert.Throws<MigrationException>(() => CheckpointModel.Load(location.File, location.Configuration with { LayerCount = layers }, ModelPrecision.Full, ComputeDevice.Cpu));
            Assert.Equal($"{location.File}: {message}", error.Message);
        }
    });

    [Fact]
    public void Interleaved_rows_never_went_with_norms_of_queries_and_keys()
    {
        var configuration = ModelConfigurationReader.Find(GoldenLogits.Path("llama-gqa"))! with { QueryKeyNorm = QueryKeyNorm.PerHead };
        var error = Assert.Throws<MigrationException>(() => new Gpt(configuration, LayoutFamilies.Interleaved, new RecordedParameters(1)));
        Assert.Equal("norm_qk with interleaved rows: LitGPT had it only after the rows became sequential", error.Message);
    }

    [Fact]
    public void Weights_are_kept_as_they_are_stored_where_that_is_asked_for()
    {
        var location = CheckpointLocation.Find(Repository.At("samples", "tiny-licenses-gqa"));
        using var stored = CheckpointModel.Load(location.File, location.Configuration, ModelPrecision.AsStored, ComputeDevice.Cpu);
        Assert.Equal(torch.ScalarType.BFloat16, stored.DType);
        Assert.Equal(LayoutFamilies.Interleaved, stored.Layout);
        using var full = CheckpointModel.Load(location.File, location.Configuration, ModelPrecision.Full, ComputeDevice.Auto);
        Assert.Equal(torch.ScalarType.Float32, full.DType);
    }

    [Fact]
    public void A_device_that_is_not_there_is_refused()
    {
        Assert.SkipUnless(TorchReorderEngine.CudaProblem(0) is not null, "this machine has a CUDA device");
        var location = CheckpointLocation.Find(GoldenLogits.Path("llama-gqa"));
        var error = Assert.Throws<MigrationException>(() => CheckpointModel.Load(location.File, location.Configuration, ModelPrecision.Full, ComputeDevice.Parse("cuda:0")));
        Assert.Equal(FailureKind.Unavailable, error.Kind);
        Assert.StartsWith("--device cuda:0: no such CUDA device is usable here (", error.Problem, StringComparison.Ordinal);
    }
}
