using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>The samples and the goldens: checkpoints that LitGPT's own legacy code wrote.</summary>
public sealed class TrainedCheckpointTests : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_is_upgraded_as_expected_and_comes_back()
    {
        PyTorch.Require();
        var originals = new[] { Repository.At("samples"), Repository.At("tests", "golden") }.SelectMany(Directory.EnumerateDirectories)
            .Where(folder => File.Exists(Path.Combine(folder, "lit_model.pth"))).ToList();
        Assert.Equal(8, originals.Count);

        var pairs = originals.Select(original => new UpgradedPair(
            Path.GetFileName(original),
            Path.Combine(original, "lit_model.pth"),
            Path.Combine(Upgrade(original), "lit_model.pth"),
            GeometryOf(original)));

        Assert.All(Expectation.Judge([.. pairs]), verdict => Assert.Empty(verdict.Value), throwIfEmpty: true);
    }

    [Fact]
    public void The_sliding_window_of_gemma_2_survives()
    {
        var upgraded = Upgrade(Repository.At("tests", "golden", "gemma2-softcap"));
        var configuration = Configuration(upgraded);
        Assert.Equal(6, configuration.GetProperty("sliding_window_size").GetInt32());
        Assert.Equal([1, 0, 1], configuration.GetProperty("sliding_window_indices").EnumerateArray().Select(index => index.GetInt32()));
        Assert.False(configuration.TryGetProperty("sliding_window_layer_placing", out _));
    }

    private string Upgrade(string original)
    {
        var upgraded = _folder.At(Path.GetFileName(original));
        var back = upgraded + "-back";
        var upgrade = Tool.Run("upgrade", original, "-o", upgraded);
        Assert.True(upgrade.ExitCode == 0, upgrade.Error);
        var downgrade = Tool.Run("downgrade", upgraded, "-o", back);
        Assert.True(downgrade.ExitCode == 0, downgrade.Error);
        Assert.Equal(WorkFolder.Snapshot(original), WorkFolder.Snapshot(back));
        return upgraded;
    }

    private static JsonElement GeometryOf(string directory)
    {
        var configuration = Configuration(directory);
        var geometry = new[] { "n_head", "n_query_groups", "head_size" };
        return JsonSerializer.SerializeToElement(geometry.ToDictionary(name => name, name => configuration.GetProperty(name).GetInt32()));
    }

    private static JsonElement Configuration(string directory)
    {
        var read = PyTorch.Run("read_yaml.py", Path.Combine(directory, "model_config.yaml"));
        Assert.True(read.ExitCode == 0, read.Error);
        return JsonReport.Document(read)[0];
    }
}
