using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Testing;
using QkvMigrate.Torch.Model;
using QkvMigrate.Torch.Tests.Model;
using QkvMigrate.Torch.Tests.Support;
using QkvMigrate.Torch.Verification;
using Xunit;

namespace QkvMigrate.Torch.Tests.Verification;

public sealed class ForwardCheckTests
{
    public static TheoryData<string> Legacy => [.. GoldenLogits.Names.Select(GoldenLogits.Path), Repository.At("samples", "tiny-licenses-gqa"), Repository.At("samples", "tiny-licenses-mha")];

    [Theory]
    [MemberData(nameof(Legacy))]
    public void An_upgraded_checkpoint_says_the_same(string legacy) => LiveTensors.AreGoneAfter(() =>
    {
        using var upgraded = new UpgradedCheckpoint(legacy);
        var result = Check(legacy, upgraded.Path);
        Assert.True(result.IsSame);
        Assert.InRange(result.MaximumDifference, 0, 1e-4);
        Assert.Equal(result.OriginalContinuation, result.UpgradedContinuation);
        Assert.Equal(result.Tokens.Count, result.Tokens.Distinct().Count());
        Assert.Equal(16, result.UpgradedContinuation.Count);
    });

    [Theory]
    [InlineData("tests/golden/llama-gqa", 4, 1, 8)]
    [InlineData("tests/golden/llama-gqa", 16, 4, 2)]
    [InlineData("tests/golden/mixtral-moe", 4, 2, 8)]
    [InlineData("tests/golden/pythia-mha", 8, 8, 4)]
    [InlineData("tests/golden/gemma2-softcap", 8, 4, 8)]
    [InlineData("samples/tiny-licenses-gqa", 16, 4, 8)]
    [InlineData("samples/tiny-licenses-gqa", 4, 1, 32)]
    [InlineData("samples/tiny-licenses-mha", 2, 2, 64)]
    public void A_geometry_that_only_fits_the_shapes_is_caught(string legacy, int heads, int groups, int headSize)
    {
        using var scrambled = new UpgradedCheckpoint(Repository.At(legacy), new GeometryFlags(heads, groups, headSize));
        var result = Check(Repository.At(legacy), scrambled.Path);
        Assert.False(result.IsSame);
        Assert.True(result.MaximumDifference > 100 * result.Tolerance, $"{result.MaximumDifference} against {result.Tolerance}");
    }

    [Fact]
    public void Weights_can_be_computed_as_they_are_stored()
    {
        var legacy = Repository.At("samples", "tiny-licenses-gqa");
        using var upgraded = new UpgradedCheckpoint(legacy);
        var result = ForwardCheck.Run(legacy, upgraded.Path, ModelPrecision.AsStored, ComputeDevice.Cpu, CancellationToken.None);
        Assert.True(result.IsSame);
        Assert.True(result.Tolerance >= 5e-2);
    }

    [Fact]
    public void The_originals_configuration_goes_for_a_file_without_one()
    {
        var legacy = GoldenLogits.Path("llama-gqa");
        using var upgraded = new UpgradedCheckpoint(legacy);
        File.Delete(Path.Combine(upgraded.Path, "model_config.yaml"));
        Assert.True(Check(legacy, Path.Combine(upgraded.Path, "lit_model.pth")).IsSame);
    }

    [Fact]
    public void Two_files_of_one_layout_are_no_upgrade()
    {
        var legacy = GoldenLogits.Path("llama-gqa");
        var file = Path.Combine(legacy, "lit_model.pth");
        var error = Assert.Throws<MigrationException>(() => Check(legacy, legacy));
        Assert.Equal(FailureKind.Usage, error.Kind);
        Assert.Equal($"{file}: both have interleaved rows, expected one of each; the other is {file}", error.Message);
    }

    [Fact]
    public void Configurations_with_other_vocabularies_are_refused()
    {
        var (legacy, other) = (GoldenLogits.Path("llama-gqa"), Repository.At("samples", "tiny-licenses-gqa"));
        var error = Assert.Throws<MigrationException>(() => Check(legacy, other));
        Assert.Equal(FailureKind.Geometry, error.Kind);
        Assert.Equal($"{Path.Combine(other, "lit_model.pth")}: its configuration has padded_vocab_size 128, that of {Path.Combine(legacy, "lit_model.pth")} has 96", error.Message);
    }

    [Fact]
    public void A_cancelled_check_ends()
    {
        var legacy = GoldenLogits.Path("llama-gqa");
        using var upgraded = new UpgradedCheckpoint(legacy);
        LiveTensors.AreGoneAfter(() =>
            Assert.Throws<OperationCanceledException>(() => ForwardCheck.Run(legacy, upgraded.Path, ModelPrecision.Full, ComputeDevice.Cpu, new CancellationToken(canceled: true))));
    }

    private static ForwardCheckResult Check(string original, string upgraded) =>
        ForwardCheck.Run(original, upgraded, ModelPrecision.Full, ComputeDevice.Cpu, CancellationToken.None);
}
