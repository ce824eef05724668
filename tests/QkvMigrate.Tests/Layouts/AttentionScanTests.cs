using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Layouts;

/// <summary>What the names of a file must not say together.</summary>
public sealed class AttentionScanTests : IDisposable
{
    private const string Legacy = "transformer.h.0.attn.attn.weight";
    private const string Upgraded = "transformer.h.1.attn.qkv.weight";

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string> Formats => ["zip", "before 1.6", "safetensors"];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Both_names_in_one_file_are_refused_in_either_order(string format)
    {
        foreach (var (first, second) in (ReadOnlySpan<(string, string)>)[(Legacy, Upgraded), (Upgraded, Legacy)])
        {
            var model = new StateDict([new(first, 0, [32, 3], [3, 1]), new(second, 1, [32, 3], [3, 1]), new("lm_head.weight", 2, [4, 3], [3, 1])], [96, 96, 12]);
            File.WriteAllBytes(folder.At("file"), format switch { "zip" => model.ToFile(), "before 1.6" => model.ToFileBefore16(), _ => model.ToSafetensors() });
            using var checkpoint = Checkpoint.Open(folder.At("file"));

            var error = Assert.Throws<MigrationException>(() => AttentionScan.Of(checkpoint));

            Assert.Equal(
                (FailureKind.Conflict, $"tensor '{Legacy}'", folder.At("file")),
                (error.Kind, error.Where, error.File));
            Assert.Equal(
                "legacy and upgraded names stand in one file: 1 tensors under attn.attn and 1 under attn.qkv "
                + $"(the first is '{Upgraded}'); which rows are in which order cannot be told",
                error.Problem);
        }
    }
}
