using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Processes;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace QkvMigrate.Cli.Tests;

/// <summary>The recipes in <c>samples/ci</c> and <c>samples/cluster</c>, run as they stand, with the built program under its name.</summary>
public sealed class RecipeTests : IDisposable
{
    private readonly WorkFolder folder = new();

    public RecipeTests()
    {
        Directory.CreateDirectory(folder.At("bin"));
        File.CreateSymbolicLink(folder.At("bin", "qkvmigrate"), BuildFacts.Program);
        foreach (var sample in new[] { "tiny-licenses-gqa", "tiny-licenses-mha" })
        {
            folder.Take(Repository.At("samples", sample), Path.Combine("checkpoints", sample));
        }
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_workflow_fails_on_legacy_checkpoints_and_upgrades_them()
    {
        var jobs = Map(Yaml("ci", "checkpoints.yml"), "jobs");
        var (check, upgrade) = (Scripts(Map(jobs, "check")), Scripts(Map(jobs, "upgrade")));

        var found = Shell(Assert.Single(check), Actions);
        Assert.Equal(3, found.ExitCode);
        Assert.Equal(2, found.ErrorLines.Count(line => line.StartsWith($"::warning file={folder.At("checkpoints")}/tiny-licenses-", StringComparison.Ordinal)));

        Assert.Equal(2, upgrade.Count);
        Assert.All(upgrade, script =>
        {
            var run = Shell(script, Actions);
            Assert.True(run.ExitCode == 0, run.Error);
        }, throwIfEmpty: true);
        Assert.Contains("\"status\": \"upgraded\"", File.ReadAllText(folder.At("report.json")), StringComparison.Ordinal);

        Directory.Delete(folder.At("checkpoints"), recursive: true);
        Directory.Move(folder.At("upgraded"), folder.At("checkpoints"));
        Assert.Equal(0, Shell(Assert.Single(check), Actions).ExitCode);
    }

    [Fact]
    public void The_workflow_upgrades_and_proves_tensors_that_share_their_bytes()
    {
        var model = new StateDict(
            [new("probe", 0, [3, 2], [4, 1], Offset: 9), new("transformer.h.0.attn.attn.weight", 0, [32, 4], [4, 1]), new("transformer.h.1.attn.attn.weight", 0, [32, 4], [4, 1], Offset: 4)],
            [33 * 4]);
        foreach (var (name, bytes) in new[] { ("shared", model.ToFile()), ("shared-before-1-6", model.ToFileBefore16()) })
        {
            Directory.CreateDirectory(folder.At("checkpoints", name));
            File.WriteAllBytes(folder.At("checkpoints", name, "lit_model.pth"), bytes);
            File.WriteAllText(folder.At("checkpoints", name, "model_config.yaml"), "n_embd: 4\nn_head: 4\nn_query_groups: 2\nhead_size: 4\n");
        }

        Assert.All(Scripts(Map(Map(Yaml("ci", "checkpoints.yml"), "jobs"), "upgrade")), script =>
        {
            var run = Shell(script, Actions);
            Assert.True(run.ExitCode == 0, run.Error);
        }, throwIfEmpty: true);
        Assert.Equal(4, File.ReadAllText(folder.At("report.json")).Split("\"storage-split\"").Length - 1);
    }

    [Fact]
    public void The_Slurm_array_deals_from_any_first_number()
    {
        var script = Repository.At("samples", "cluster", "slurm.sbatch");
        foreach (var task in new[] { "4", "5" })
        {
            var run = Shell($"bash {script} checkpoints upgraded", new() { ["SLURM_ARRAY_TASK_ID"] = task, ["SLURM_ARRAY_TASK_MIN"] = "4", ["SLURM_ARRAY_TASK_COUNT"] = "2", ["SLURM_CPUS_PER_TASK"] = "2" });
            Assert.True(run.ExitCode == 0, run.Error);
            Assert.Single(run.Output.Split('\n'), line => line.StartsWith("upgraded: ", StringComparison.Ordinal));
        }

        AssertReported();
    }

    [Fact]
    public void The_indexed_job_counts_from_zero()
    {
        var job = Map(Yaml("cluster", "kubernetes.yaml"), "spec");
        var container = (YamlMappingNode)((YamlSequenceNode)Map(Map(job, "template"), "spec")["containers"])[0];
        var completions = int.Parse(Text(job, "completions"));
        var environment = ((YamlSequenceNode)container["env"]).Cast<YamlMappingNode>().ToDictionary(entry => Text(entry, "name"), entry => Text(entry, "value").Replace("/volume", folder.Path, StringComparison.Ordinal));
        Assert.Equal($"{completions}", environment["SHARDS"]);
        Assert.Equal(["/bin/sh", "-c"], ((YamlSequenceNode)container["command"]).Select(word => ((YamlScalarNode)word).Value));
        var script = ((YamlScalarNode)((YamlSequenceNode)container["args"]).Single()).Value!;

        foreach (var index in Enumerable.Range(0, completions))
        {
            var run = Shell(script, new(environment) { ["JOB_COMPLETION_INDEX"] = $"{index}" });
            Assert.True(run.ExitCode == 0, run.Error);
        }

        AssertReported();
    }

    private static Dictionary<string, string> Actions { get; } = new() { ["GITHUB_ACTIONS"] = "true" };

    private void AssertReported()
    {
        var report = Shell("qkvmigrate report upgraded", []);
        Assert.True(report.ExitCode == 0, report.Error);
        Assert.StartsWith("total: 2 upgraded; ", report.Output.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }

    private static YamlMappingNode Yaml(params string[] names)
    {
        using var file = File.OpenText(Repository.At(["samples", .. names]));
        var stream = new YamlStream();
        stream.Load(file);
        return (YamlMappingNode)Assert.Single(stream.Documents).RootNode;
    }

    /// <summary>What the steps of a job run, but the installation.</summary>
    private static List<string> Scripts(YamlMappingNode job) =>
        [.. ((YamlSequenceNode)job["steps"]).Cast<YamlMappingNode>().Where(step => step.Children.ContainsKey("run")).Select(step => Text(step, "run")).Where(script => script != "dotnet tool install --global QkvMigrate.Tool")];

    private static YamlMappingNode Map(YamlMappingNode map, string key) => (YamlMappingNode)map[key];

    private static string Text(YamlMappingNode map, string key) => ((YamlScalarNode)map[key]).Value!;

    /// <summary>As the runner does: <c>bash -e</c>, in the workspace.</summary>
    private ProcessResult Shell(string script, Dictionary<string, string> environment) =>
        ChildProcess.Run("/bin/bash", ["-e", "-c", $"cd '{folder.Path}'\n{script}"], new Dictionary<string, string>(Tool.Environment.Concat(environment)) { ["PATH"] = $"{folder.At("bin")}:/usr/bin:/bin" });
}
