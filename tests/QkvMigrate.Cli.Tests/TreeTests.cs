using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>A tree of 200 checkpoints: broken and mended, killed and taken up again, and dealt to eight runs at once.</summary>
public sealed class TreeTests(CheckpointForest forest) : IClassFixture<CheckpointForest>
{
    private const int Shards = 8;

    [Fact]
    public void Five_broken_ones_are_named_and_alone_done_again_when_they_are_mended()
    {
        var tree = forest.Copy("broken");
        var output = forest.At("broken-out");
        forest.Break(tree);

        var run = Tool.Run("upgrade", tree, "-o", output, "--jobs", "4", "--json");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(CheckpointForest.Count - forest.Broken.Count, Statuses(run)["upgraded"]);
        Assert.Equal(forest.Broken.Count, Statuses(run)["refused"]);
        var lines = run.ErrorLines.Where(line => line.StartsWith("qkvmigrate: error: ", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(forest.Broken.Count, lines.Count);
        foreach (var (line, (file, _, error)) in lines.Zip(forest.Broken.OrderBy(broken => broken.File, StringComparer.Ordinal)))
        {
            Assert.StartsWith($"qkvmigrate: error: {Path.Combine(tree, Path.GetDirectoryName(file)!)}", line, StringComparison.Ordinal);
            Assert.Contains(error, line, StringComparison.Ordinal);
        }

        forest.Mend(tree);
        var before = Inodes(output);
        var again = Tool.Run("upgrade", tree, "-o", output, "--json");

        Assert.True(again.ExitCode == 0, again.Error);
        Assert.Equal(CheckpointForest.Count - forest.Broken.Count, Statuses(again)["skipped"]);
        Assert.Equal(forest.Broken.Count, Statuses(again)["upgraded"]);
        Assert.Empty(before.Except(Inodes(output)));
        Assert.Equal(CheckpointForest.Results(forest.Upgraded), CheckpointForest.Results(output));
    }

    [Fact]
    public void A_killed_run_is_taken_up_where_it_stopped()
    {
        var output = forest.At("killed-out");
        var finished = Path.Combine(output, ".qkvmigrate", "reports");
        using (var run = RunningTool.Start("upgrade", forest.Tree, "-o", output))
        {
            while (!run.HasEnded && !(Directory.Exists(finished) && Directory.EnumerateFiles(finished).Count() >= CheckpointForest.Count / 4))
            {
                Thread.Sleep(1);
            }

            run.Kill();
            Assert.Equal(137, run.Wait().ExitCode);
        }

        var done = Inodes(output);
        Assert.NotEmpty(done);
        var again = Tool.Run("upgrade", forest.Tree, "-o", output, "--jobs", "4", "--json");

        Assert.True(again.ExitCode == 0, again.Error);
        Assert.InRange(Statuses(again)["skipped"], CheckpointForest.Count / 8, CheckpointForest.Count - 1);
        Assert.Equal(CheckpointForest.Count, Statuses(again).Values.Sum());
        Assert.Equal(CheckpointForest.Results(forest.Upgraded), CheckpointForest.Results(output));
        Assert.Empty(Directory.EnumerateFileSystemEntries(output, ".*.qkvmigrate-*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Eight_shards_make_together_what_one_run_makes()
    {
        var output = forest.At("shards-out");
        var runs = Enumerable.Range(1, Shards).AsParallel().WithDegreeOfParallelism(Shards)
            .Select(shard => Tool.Run("upgrade", forest.Tree, "-o", output, "--shard", $"{shard}/{Shards}", "--json")).ToList();

        Assert.All(runs, run => Assert.True(run.ExitCode == 0, run.Error), throwIfEmpty: true);
        var paths = runs.SelectMany(Checkpoints).Select(checkpoint => checkpoint.Text("path")).ToList();
        Assert.Equal(CheckpointForest.Count, paths.Count);
        Assert.Equal(paths.Count, paths.Distinct().Count());
        Assert.Equal(CheckpointForest.Results(forest.Upgraded), CheckpointForest.Results(output));

        var report = Tool.Run("report", output, "--json");
        Assert.True(report.ExitCode == 0, report.Error);
        Assert.Equal(
            runs.SelectMany(Checkpoints).Select(checkpoint => checkpoint.GetRawText()).Order(),
            Checkpoints(report).Select(checkpoint => checkpoint.GetRawText()).Order());
        Assert.EndsWith($"in {CheckpointForest.Count} checkpoints", Tool.Run("report", output).Output.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_checksums_are_those_of_the_files()
    {
        var check = ChildProcess.Run("/bin/sh", ["-c", "cd \"$1\" && sha256sum --quiet --strict -c SHA256SUMS", "sh", forest.Upgraded]);
        Assert.True(check.ExitCode == 0, check.Output + check.Error);
        Assert.Equal(
            Directory.EnumerateFiles(forest.Upgraded, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(forest.Upgraded, file)).Where(name => !name.StartsWith(".qkvmigrate/", StringComparison.Ordinal) && name != "SHA256SUMS").Order(StringComparer.Ordinal),
            File.ReadLines(Path.Combine(forest.Upgraded, "SHA256SUMS")).Select(line => line[66..]));
    }

    [Fact]
    public void A_part_of_the_tree_is_chosen_by_its_paths()
    {
        var planned = Tool.Run("upgrade", forest.Tree, "--dry-run", "--json", "--include", "1/gqa-*", "--exclude", "gqa-float16");
        Assert.True(planned.ExitCode == 0, planned.Error);
        Assert.Equal(
            Directory.GetDirectories(Path.Combine(forest.Tree, "1"), "gqa-*").Where(path => !path.EndsWith("/gqa-float16", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
            Checkpoints(planned).Select(checkpoint => Path.GetDirectoryName(checkpoint.Text("path"))!));

        var none = Tool.Run("inspect", forest.Tree, "--include", "nothing");
        Assert.Equal(1, none.ExitCode);
        Assert.EndsWith("no checkpoint in this directory or below it passes --include and --exclude", Assert.Single(none.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_of_its_own_gets_no_record()
    {
        var output = forest.At("single-out");
        var run = Tool.Run("upgrade", Path.Combine(forest.Tree, "1", "gqa-float32"), "-o", output);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(["lit_model.pth", "model_config.yaml"], WorkFolder.Snapshot(output).Keys);
        Assert.Equal(1, Tool.Run("report", output).ExitCode);
    }

    [Theory]
    [InlineData("--shard", "0/8", "expected I/N")]
    [InlineData("--shard", "9/8", "expected I/N")]
    [InlineData("--jobs", "0", "a whole number from 1")]
    public void A_share_that_is_none_is_refused(string option, string value, string problem)
    {
        var run = Tool.Run("upgrade", "anything", option, value);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(problem, run.ErrorLines[0], StringComparison.Ordinal);
    }

    private static IEnumerable<JsonElement> Checkpoints(ProcessResult run) => JsonReport.Document(run).GetProperty("checkpoints").EnumerateArray();

    private static Dictionary<string, int> Statuses(ProcessResult run) => Checkpoints(run).CountBy(checkpoint => checkpoint.Text("status")!).ToDictionary();

    /// <summary>Each result with its inode and time of change: a file that is written again has others.</summary>
    private static string[] Inodes(string output) =>
        ChildProcess.Run("/usr/bin/find", [output, "-type", "f", "-not", "-path", "*/.qkvmigrate/*", "-not", "-name", "SHA256SUMS", "-printf", "%i %T@ %P\n"]).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
