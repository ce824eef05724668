using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Tests.Checkpoints;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>A verification says which shapes its geometry has to fit, and that it needs none where no row moved.</summary>
public sealed class BegunVerificationTests : IDisposable
{
    private readonly WorkFolder _folder = new();

    private string Original => _folder.At("old.pth");

    private string Upgraded => _folder.At("new.pth");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Rows_that_moved_need_a_geometry_of_their_shapes()
    {
        var legacy = LegacyModel.Legacy.ToFile();
        Write(legacy, CheckpointBytes.Migrate(legacy, Conversion.Upgrade, LegacyModel.Geometry));
        using var original = Checkpoint.Open(Original);
        using var begun = Begin(original);
        Assert.Equal(
            [
                ("transformer.h.0.attn.attn.weight", 32), ("transformer.h.0.attn.attn.bias", 32), ("transformer.h.1.attn.attn.weight", 32),
                ("transformer.h.1.attn.attn.bias", 32), ("transformer.h.2.attn.attn.weight", 32),
            ],
            begun.Shapes!.Select(shape => (shape.Tensor, shape.FusedRows)));
        Assert.Throws<ArgumentNullException>("geometry", () => begun.Run(null, TestContext.Current.CancellationToken));
        Assert.True(begun.Run(LegacyModel.Geometry, TestContext.Current.CancellationToken).IsVerified);
    }

    [Fact]
    public void A_copy_needs_none()
    {
        var current = CheckpointBytes.Migrate(LegacyModel.Legacy.ToFile(), Conversion.Upgrade, LegacyModel.Geometry);
        Write(current, current);
        using var original = Checkpoint.Open(Original);
        using var begun = Begin(original);
        Assert.Null(begun.Shapes);
        Assert.True(begun.Run(null, TestContext.Current.CancellationToken).IsVerified);
    }

    [Fact]
    public void A_second_file_that_is_no_checkpoint_is_a_difference_for_which_none_is_needed()
    {
        Write(LegacyModel.Legacy.ToFile(), "no checkpoint"u8.ToArray());
        using var original = Checkpoint.Open(Original);
        using var begun = Begin(original);
        Assert.Null(begun.Shapes);
        var report = begun.Run(null, TestContext.Current.CancellationToken);
        Assert.Equal((false, 1), (report.IsVerified, report.DifferenceCount));
        Assert.StartsWith("this is no checkpoint", Assert.Single(report.Differences).Problem, StringComparison.Ordinal);
    }

    private void Write(byte[] original, byte[] upgraded)
    {
        File.WriteAllBytes(Original, original);
        File.WriteAllBytes(Upgraded, upgraded);
    }

    private BegunVerification Begin(Checkpoint original) => CheckpointVerifier.Begin(original, Upgraded, [], new VerificationOptions());
}
