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

    /// <summary>A configuration with the marks of an earlier upgrade in it, which nobody undid, loses these.</summary>
    [Fact]
    public void A_configuration_comes_back_or_is_told_not_to()
    {
        const string Name = "model_config.yaml";
        string[] lines =
        [
            "name: x", "org: y", "_norm_class: RMSNorm", "condense_ratio: 1  # once", "sliding_window_layer_placing: all", "rope_n_elem: 4", "bias: true", "# a comment", "",
            "#qkvmigrate- bias: false", "note: x  #qkvmigrate+", "#qkvmigrate+ made from lit_config.json", "_mlp_class: LLaMAMLP",
        ];
        var (told, exact) = (0, 0);
        Gen.Select(Gen.Shuffle(lines), Gen.Int[0, lines.Length], Gen.Bool, Gen.Bool, Gen.Bool).Sample(
            (shuffled, count, isCrLf, isMarked, hasJson) =>
            {
                using var folder = new MigratedFolder();
                var end = isCrLf ? "\r\n" : "\n";
                var text = $"{(isMarked ? "\uFEFF" : "")}{string.Concat(shuffled.Take(count).Select(line => line + end))}n_head: 4{end}n_query_groups: 2{end}head_size: 4";
                folder.Write(OriginalFileTests.Bytes("zip"), "run", "lit_model.pth");
                var yaml = folder.Write(System.Text.Encoding.UTF8.GetBytes(text), "run", Name);
                if (hasJson)
                {
                    folder.Write("{}"u8.ToArray(), "run", "lit_config.json");
                }

                var isTold = Advice(folder, folder.At("run")).Contains($"undoing this will not give the old {Name} byte for byte; nor can its checksum prove the new one");
                var upgraded = folder.Migrate(MigrationDirection.Upgrade, folder.At("run"), "upgraded");
                var back = Path.Combine(folder.Migrate(MigrationDirection.Downgrade, upgraded, "back"), Name);
                Assert.Equal(!isTold, File.Exists(back) && File.ReadAllText(yaml) == File.ReadAllText(back));
                Interlocked.Increment(ref (isTold ? ref told : ref exact));
            },
            iter: Samples);
        Assert.True(told > Samples / 10 && exact > Samples / 10, $"{told} told, {exact} exact");
    }

    [Theory]
    [InlineData("{\"n_head\": 4, \"n_query_groups\": 2, \"head_size\": 4}")]
    [InlineData("\uFEFF{\"n_head\": 4, \"n_query_groups\": 2, \"head_size\": 4, \"org\": \"x\"}")]
    public void A_configuration_that_is_made_goes_again(string json)
    {
        using var folder = new MigratedFolder();
        folder.Write(OriginalFileTests.Bytes("zip"), "run", "lit_model.pth");
        folder.Write(System.Text.Encoding.UTF8.GetBytes(json), "run", "lit_config.json");
        Assert.Empty(Advice(folder, folder.At("run")));
        Assert.False(File.Exists(Path.Combine(folder.Migrate(MigrationDirection.Downgrade, folder.Migrate(MigrationDirection.Upgrade, folder.At("run"), "upgraded"), "back"), "model_config.yaml")));
    }

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
