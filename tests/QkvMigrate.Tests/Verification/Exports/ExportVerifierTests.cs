using QkvMigrate.Checkpoints;
using QkvMigrate.Exporting;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification.Exports;

/// <summary>Right exports of every family pass; the verifier's table and the exporter's were written apart from each other.</summary>
public sealed class ExportVerifierTests
{
    public static TheoryData<string, bool> Families => [.. ModelOfAFamily.All.SelectMany(family => new[] { (family, true), (family, false) })];

    [Theory]
    [MemberData(nameof(Families))]
    public void A_right_export_is_verified(string family, bool isLegacy)
    {
        using var pair = ExportedPair.Of(family, isLegacy);
        var report = pair.Verify();
        Assert.Null(report.Error);
        Assert.Equal([], report.Differences);
        Assert.Equal(family.Split(' ')[0], report.Exported);
        Assert.Equal(report.Coverage.TotalBytes, report.Coverage.ComparedBytes + HeaderBytes(pair.Files["model.safetensors"]));
    }

    [Theory]
    [InlineData("float16")]
    [InlineData("bfloat16")]
    public void A_converted_export_in_shards_is_verified(string dtype)
    {
        using var pair = ExportedPair.Of("LlamaForCausalLM", options: new ExportOptions { DType = DType.ByName(dtype), MaximumShardBytes = 2000 });
        Assert.True(pair.Files.Count > 5);
        var report = pair.Verify();
        Assert.Null(report.Error);
        Assert.Equal([], report.Differences);
    }

    [Fact]
    public void A_quick_verification_reads_less_and_finds_what_is_wrong_with_a_header()
    {
        using var pair = ExportedPair.Of("GPTNeoXForCausalLM");
        Assert.True(pair.Verify(VerificationMode.Quick).IsVerified);
        var report = pair.With("model.safetensors", bytes => [.. bytes, 0]);
        Assert.False(report.IsVerified);
    }

    [Fact]
    public void A_model_of_another_family_is_told()
    {
        using var pair = ExportedPair.Of("LlamaForCausalLM");
        File.WriteAllText(Path.Combine(pair.Original, "model_config.yaml"), $"{ModelOfAFamily.Configuration("LlamaForCausalLM")}norm_qk: true\n");
        var report = pair.Verify();
        Assert.Contains("model_type is llama, which cannot be by norm_qk", Assert.Single(report.Differences).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_without_a_configuration_is_refused()
    {
        using var pair = ExportedPair.Of("LlamaForCausalLM");
        File.Delete(Path.Combine(pair.Original, "model_config.yaml"));
        Assert.Equal(FailureKind.Geometry, pair.Verify().Error?.Kind);
    }

    private static long HeaderBytes(byte[] file) => sizeof(long) + BitConverter.ToInt64(file);
}
