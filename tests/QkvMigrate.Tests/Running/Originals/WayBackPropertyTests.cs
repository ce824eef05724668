using CsCheck;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using Xunit;

namespace QkvMigrate.Tests.Running.Originals;

/// <summary>However a legacy file is written: its bytes come back, and its checksum proves the upgrade, or that they will not is told before.</summary>
public sealed class WayBackPropertyTests
{
    private const int Samples = 60;

    private static readonly Gen<int[]> Choices = Gen.Int[0, 5039].Array[1, 60];

    [Theory]
    [InlineData("zip")]
    [InlineData("before 1.6")]
    [InlineData("safetensors")]
    public void A_file_comes_back_or_is_told_not_to(string format)
    {
        var exact = 0;
        Choices.Sample(
            choices =>
            {
                using var folder = new MigratedFolder();
                var bytes = format == "safetensors" ? new RandomOriginal(choices).Safetensors() : new RandomOriginal(choices).Pickled(format != "zip");
                var original = folder.Write(bytes, "original");
                var isTold = Advice(folder, original).Count > 0;
                var upgraded = folder.Migrate(MigrationDirection.Upgrade, original, "upgraded");
                var isBack = File.ReadAllBytes(folder.Migrate(MigrationDirection.Downgrade, upgraded, "back")).AsSpan().SequenceEqual(bytes);
                Assert.Equal(!isTold, isBack);
                Assert.Equal(!isTold, MigratedFolder.Prove(upgraded, original).IsVerified);
                Interlocked.Add(ref exact, isBack ? 1 : 0);
            },
            iter: Samples);
        Assert.InRange(exact, Samples / 10, int.MaxValue);
    }

    [Fact]
    public void An_index_comes_back_or_is_told_not_to() => Choices.Sample(
        choices =>
        {
            using var folder = new MigratedFolder();
            var random = new RandomOriginal(choices);
            folder.Write(random.Safetensors(), "run", "model.safetensors");
            var index = folder.Write(System.Text.Encoding.UTF8.GetBytes(random.Index("model.safetensors")), "run", "model.safetensors.index.json");
            var isTold = Advice(folder, folder.At("run")).Any(message => message.Contains(Path.GetFileName(index), StringComparison.Ordinal));
            var upgraded = folder.Migrate(MigrationDirection.Upgrade, folder.At("run"), "upgraded");
            var back = folder.Migrate(MigrationDirection.Downgrade, upgraded, "back");
            Assert.NotEqual(File.ReadAllText(index), File.ReadAllText(Path.Combine(upgraded, Path.GetFileName(index))));
            Assert.Equal(!isTold, File.ReadAllText(index) == File.ReadAllText(Path.Combine(back, Path.GetFileName(index))));
        },
        iter: Samples);

    [Theory]
    [InlineData("transformer.h.0.attn.attn.weight", false)]
    [InlineData("\\u0074ransformer.h.0.attn.attn.weight", false)]
    [InlineData("transformer.h.0.attn.\\u0061ttn.weight", true)]
    public void An_escape_that_is_lost_from_an_index_is_told(string key, bool isLost)
    {
        using var folder = new MigratedFolder();
        folder.Write(QkvMigrate.Testing.Checkpoints.SafetensorsFile.Write([("transformer.h.0.attn.attn.weight", "F32", [32, 3])], sizeof(float)), "run", "model.safetensors");
        folder.Write(System.Text.Encoding.UTF8.GetBytes($"{{\"weight_map\": {{\"{key}\": \"model.safetensors\"}}}}"), "run", "model.safetensors.index.json");
        string[] expected = isLost ? ["undoing this will not give the old model.safetensors.index.json byte for byte; nor can its checksum prove the new one"] : [];
        Assert.Equal(expected, Advice(folder, folder.At("run")));
    }

    private static IReadOnlyList<string> Advice(MigratedFolder folder, string original)
    {
        var request = new MigrationRequest
        {
            Path = original,
            Output = folder.At("planned"),
            Direction = MigrationDirection.Upgrade,
            Geometry = MigratedFolder.Geometry,
            DryRun = true,
            Engine = () => new StreamReorderEngine(),
        };
        var report = Assert.Single(Migrator.Run(request, TestContext.Current.CancellationToken));
        Assert.Null(report.Error);
        return [.. report.Advice.Where(advice => advice.Code == "no-exact-way-back").Select(advice => advice.Message)];
    }
}
