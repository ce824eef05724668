using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>What the weights say about the geometry, and what the commands do with it.</summary>
public sealed class EvidenceTests : IDisposable
{
    private const string Checkpoint = "lit_model.pth";

    /// <summary>As many rows and columns as the sample's 8 heads in 2 groups of 16 rows have.</summary>
    private static readonly string[] WrongGeometry = ["--n-head", "16", "--n-query-groups", "4", "--head-size", "8"];

    private const string Contradiction =
        "the weights speak for another geometry: the classes q, k and v explain 0.350 of the variance of the row norms as interleaved with n_head=8 n_query_groups=2 head_size=16, and 0.160 as interleaved with n_head=16 n_query_groups=4 head_size=8 (4 layers)";

    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("tiny-licenses-gqa", "0.350  interleaved n_head=8 n_query_groups=2 head_size=16", "0.160  interleaved n_head=16 n_query_groups=4 head_size=8")]
    [InlineData("tiny-licenses-mha", "0.104  interleaved n_head=4 n_query_groups=4 head_size=32", "0.052  interleaved n_head=8 n_query_groups=8 head_size=16")]
    public void Inspect_ranks_the_true_geometry_of_a_trained_model_first(string sample, string first, string second)
    {
        var result = Tool.Run("inspect", "--evidence", Sample(sample));

        Assert.True(result.ExitCode == 0, result.Error);
        var lines = result.Output.Split('\n').Select(line => line.Trim()).ToList();
        var heading = lines.FindIndex(line => line.StartsWith("evidence", StringComparison.Ordinal));
        Assert.Equal($"evidence  share of the variance of the row norms that q, k and v explain, 4 layers:", lines[heading]);
        Assert.Equal([first, second], lines[(heading + 1)..(heading + 3)]);
        Assert.Contains("the first wins clearly", lines);
    }

    [Fact]
    public void Inspect_tells_the_ranking_in_JSON()
    {
        var evidence = JsonReport.OnlyCheckpoint(Tool.Run("inspect", "--evidence", "--json", Sample("tiny-licenses-gqa"))).GetProperty("evidence");

        Assert.Equal((4, true), (evidence.GetProperty("layers").GetInt32(), evidence.GetProperty("hasWinner").GetBoolean()));
        var best = evidence.GetProperty("ranking")[0];
        Assert.Equal(
            ("interleaved", 8, 2, 16, 0.3497),
            (best.Text("layout"), best.GetProperty("nHead").GetInt32(), best.GetProperty("nQueryGroups").GetInt32(), best.GetProperty("headSize").GetInt32(), best.GetProperty("explained").GetDouble()));
    }

    [Fact]
    public void Without_the_option_inspect_says_nothing_of_it()
    {
        Assert.DoesNotContain("evidence", Tool.Run("inspect", Sample("tiny-licenses-gqa")).Output, StringComparison.Ordinal);
        Assert.False(JsonReport.OnlyCheckpoint(Tool.Run("inspect", "--json", Sample("tiny-licenses-gqa"))).TryGetProperty("evidence", out _));
    }

    [Fact]
    public void A_wrong_geometry_that_the_shapes_allow_is_warned_of_with_the_numbers()
    {
        var upgrade = Tool.Run(["upgrade", Sample("tiny-licenses-gqa"), "-o", _folder.At("new"), .. WrongGeometry]);

        Assert.True(upgrade.ExitCode == 0, upgrade.Error);
        Assert.Contains($"note [geometry-contradicted]: {Contradiction}\n", upgrade.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_warning_is_an_advice_in_JSON()
    {
        var report = JsonReport.OnlyCheckpoint(Tool.Run(["upgrade", "--json", Sample("tiny-licenses-gqa"), "-o", _folder.At("new"), .. WrongGeometry]));

        var advice = report.GetProperty("advice").EnumerateArray().Single(note => note.Text("code") == "geometry-contradicted");
        Assert.Equal(Contradiction, advice.Text("message"));
    }

    [Fact]
    public void Strictly_a_wrong_geometry_is_refused_in_one_line_and_nothing_is_written()
    {
        var upgrade = Tool.Run(["upgrade", "--strict-evidence", Sample("tiny-licenses-gqa"), "-o", _folder.At("new"), .. WrongGeometry]);

        Assert.Equal((1, ""), (upgrade.ExitCode, upgrade.Output));
        Assert.Contains($"{Contradiction}; without --strict-evidence this is a warning", Assert.Single(upgrade.Error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.Empty(_folder.Snapshot());
    }

    [Theory]
    [InlineData("tiny-licenses-gqa")]
    [InlineData("tiny-licenses-mha")]
    public void The_true_geometry_passes_strictly_in_both_directions(string sample)
    {
        foreach (var (command, from, to) in new[] { ("upgrade", Sample(sample), _folder.At("new")), ("downgrade", _folder.At("new"), _folder.At("old")) })
        {
            var result = Tool.Run(command, "--strict-evidence", from, "-o", to);
            Assert.True(result.ExitCode == 0, result.Error);
            Assert.DoesNotContain("geometry-contradicted", result.Output, StringComparison.Ordinal);
        }
    }

    /// <summary>The golden models have the weights that they were initialised with.</summary>
    [Theory]
    [InlineData("llama-gqa")]
    [InlineData("pythia-mha")]
    [InlineData("gemma-headsize")]
    public void Random_weights_bring_no_warning(string model)
    {
        var directory = Repository.At("tests", "golden", model);
        var upgrade = Tool.Run("upgrade", "--strict-evidence", directory, "-o", _folder.At("new"));

        Assert.True(upgrade.ExitCode == 0, upgrade.Error);
        Assert.Contains("none wins clearly", Tool.Run("inspect", "--evidence", directory).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Sequential_rows_under_the_old_name_are_told()
    {
        var upgraded = _folder.At("upgraded");
        Assert.Equal(0, Tool.Run("upgrade", Sample("tiny-licenses-gqa"), "-o", upgraded).ExitCode);
        var renamedOnly = _folder.Take(Sample("tiny-licenses-gqa"), "renamed-only");
        TakeStorages(Path.Combine(upgraded, Checkpoint), Path.Combine(Sample("tiny-licenses-gqa"), Checkpoint), Path.Combine(renamedOnly, Checkpoint));

        var upgrade = Tool.Run("upgrade", renamedOnly, "-o", _folder.At("new"));

        Assert.Contains("note [geometry-contradicted]: the rows look sequential already, in spite of their name: the classes q, k and v explain 0.350 of the variance of the row norms as sequential, and ", upgrade.Output, StringComparison.Ordinal);
        Assert.Equal(1, Tool.Run("upgrade", "--strict-evidence", renamedOnly, "-o", _folder.At("strict")).ExitCode);
    }

    [Fact]
    public void Without_a_configuration_the_ranking_is_offered()
    {
        var alone = _folder.At(Checkpoint);
        File.Copy(Path.Combine(Sample("tiny-licenses-gqa"), Checkpoint), alone);

        var upgrade = Tool.Run("upgrade", alone);

        Assert.Equal(1, upgrade.ExitCode);
        Assert.Contains(
            "--n-head, --n-query-groups and --head-size, --config FILE or --model NAME settle it; going by the norms of the rows (share of their variance that q, k and v explain), the likeliest are interleaved n_head=8 n_query_groups=2 head_size=16: 0.350, interleaved n_head=16 n_query_groups=4 head_size=8: 0.160, ",
            Assert.Single(upgrade.Error.TrimEnd('\n').Split('\n')),
            StringComparison.Ordinal);
        Assert.Contains("0.350  interleaved n_head=8 n_query_groups=2 head_size=16", Tool.Run("inspect", "--evidence", alone).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_plan_asks_no_weights()
    {
        var plan = Tool.Run(["upgrade", "--dry-run", "--strict-evidence", Sample("tiny-licenses-gqa"), .. WrongGeometry]);

        Assert.True(plan.ExitCode == 0, plan.Error);
        Assert.DoesNotContain("geometry-contradicted", plan.Output, StringComparison.Ordinal);
    }

    private static string Sample(string name) => Repository.At("samples", name);

    /// <summary>Writes a checkpoint with the names of <paramref name="names"/> and the numbers of <paramref name="numbers"/>.</summary>
    private static void TakeStorages(string numbers, string names, string target)
    {
        var (source, pickle) = (File.ReadAllBytes(numbers), File.ReadAllBytes(names));
        File.WriteAllBytes(target, TorchFile.Write(ZipSurgery.Entries(pickle).Select(entry =>
            (entry.Name, entry.Name.EndsWith("data.pkl", StringComparison.Ordinal) ? ZipSurgery.Bytes(pickle, entry) : ZipSurgery.Bytes(source, ZipSurgery.Find(source, entry.Name))))));
    }
}
