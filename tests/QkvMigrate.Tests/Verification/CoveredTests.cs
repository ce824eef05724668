using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>What a verification says that it covered, and that it did not.</summary>
public sealed class CoveredTests : IDisposable
{
    /// <summary>Nothing in it has to change.</summary>
    private static readonly StateDict Plain = new([new("lm_head.weight", 0, [7, 5], [5, 1])], [35]);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-covered-");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("zip", "tensors zip pickle bytes")]
    [InlineData("safetensors", "tensors header bytes")]
    [InlineData("torch before 1.6", "tensors pickle bytes")]
    public void Each_proof_of_a_format_is_told(string format, string subjects)
    {
        using var pair = new VerifiedPair(
            format switch
            {
                "zip" => LegacyModel.Legacy.ToFile(),
                "safetensors" => LegacyModel.Legacy.ToSafetensors(),
                _ => LegacyModel.Legacy.ToFileBefore16(),
            },
            LegacyModel.Geometry);

        var report = pair.Verify();

        Assert.Equal(subjects, string.Join(' ', report.Covered.Select(line => line.Subject)));
        Assert.Empty(report.LeftOut);
        Assert.StartsWith($"all {report.Coverage.TotalBytes} of {report.Coverage.Regions} regions", report.Covered[^1].Statement, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_quick_verification_leaves_out_is_told_in_bytes()
    {
        // 2048 rows of 64 bytes: the rows between the first and the last of each head are not looked at.
        var model = new StateDict([new("transformer.h.0.attn.attn.weight", 0, [2048, 16], [16, 1])], [32768]);
        using var pair = new VerifiedPair(model.ToFile(), new(64, 32, 16));

        var (quick, full) = (pair.Verify(VerificationMode.Quick), pair.Verify());

        Assert.Empty(full.LeftOut);
        var line = Assert.Single(quick.LeftOut);
        Assert.Equal("bytes", line.Subject);
        Assert.StartsWith($"{quick.Coverage.TotalBytes - quick.Coverage.ComparedBytes} within large regions", line.Statement, StringComparison.Ordinal);
        Assert.Contains(quick.Covered, covered => covered.Statement.StartsWith($"{quick.Coverage.ComparedBytes} of {quick.Coverage.TotalBytes}", StringComparison.Ordinal));
    }

    [Fact]
    public void Of_two_files_it_is_said_that_nothing_beside_them_was_looked_at()
    {
        var path = Path.Combine(folder.FullName, "lit_model.pth");
        File.WriteAllBytes(path, Plain.ToFile());

        var report = Assert.Single(PathVerifier.Run(path, path, new VerificationOptions(), TestContext.Current.CancellationToken));

        Assert.True(report.IsVerified);
        Assert.Equal("what lies beside", Assert.Single(report.LeftOut).Subject);
    }

    [Fact]
    public void What_lies_beside_is_told_with_the_checkpoints_of_its_directory()
    {
        foreach (var tree in new[] { "before", "after" })
        {
            foreach (var model in new[] { "a", "b" })
            {
                var directory = Directory.CreateDirectory(Path.Combine(folder.FullName, tree, model, "logs")).Parent!.FullName;
                File.WriteAllBytes(Path.Combine(directory, "lit_model.pth"), Plain.ToFile());
                File.WriteAllText(Path.Combine(directory, "logs", "first.txt"), "1");
                File.WriteAllText(Path.Combine(directory, "logs", "second.txt"), "2");
            }

            File.WriteAllText(Path.Combine(folder.FullName, tree, "b", "tokenizer.json"), "{}");
        }

        var reports = PathVerifier.Run(At("before"), At("after"), new VerificationOptions(), TestContext.Current.CancellationToken);

        Assert.Equal(
            ["2, byte by byte", "3, byte by byte"],
            reports.Select(report => report.Covered.Single(line => line.Subject == "other files").Statement));
    }

    private string At(string name) => Path.Combine(folder.FullName, name);
}
