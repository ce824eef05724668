using System.Globalization;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>
/// A tree of 200 legacy checkpoints of all kinds that PyTorch wrote, its upgrade by one undisturbed run, and copies of it
/// with 5 broken ones. It lies in memory where the system has such a filesystem: thousands of syncs are waited for else.
/// </summary>
public sealed class CheckpointForest : IDisposable
{
    public const int Count = 200;

    private const string Memory = "/dev/shm";

    private readonly WorkFolder folder = new(Directory.Exists(Memory) ? Memory : null);
    private readonly FixtureSet fixtures;
    private readonly Lazy<string> tree;
    private readonly Lazy<string> upgraded;

    public CheckpointForest(FixtureSet fixtures)
    {
        this.fixtures = fixtures;
        tree = new(Grow);
        upgraded = new(Upgrade);
    }

    /// <summary>The tree; shared, so never to be written to.</summary>
    public string Tree => tree.Value;

    /// <summary>What one run made of it; shared as well.</summary>
    public string Upgraded => upgraded.Value;

    /// <summary>The files that a test breaks, each in another way, with what a user is told of each.</summary>
    public IReadOnlyList<(string File, Action<string> Break, string Error)> Broken =>
    [
        ("1/mha-float32/lit_model.pth", path => SetLength(path, new FileInfo(path).Length - 40), "the file is cut off, or no zip"),
        ("1/gqa-without-bias/model_config.yaml", path => File.WriteAllText(path, "n_embd: 24\nn_head: 5\n"), "n_head"),
        ("1/safetensors/model.safetensors", path => File.WriteAllBytes(path, new byte[100]), "this is no checkpoint"),
        ("2/mha-bfloat16/lit_model.pth", path => SetLength(path, 0), "the file is empty"),
        ("2/gqa-float64/lit_model.pth", path => File.Copy(Path.Combine(fixtures["both-names-in-one-layer"].Folder, "lit_model.pth"), path, overwrite: true), "legacy and upgraded names stand in one file"),
    ];

    public string At(params string[] names) => folder.At(names);

    public void Dispose() => folder.Dispose();

    /// <summary>A copy of the tree, its files with the times of the original ones.</summary>
    public string Copy(string name)
    {
        var copied = ChildProcess.Run("/bin/cp", ["-a", Tree, At(name)]);
        Assert.True(copied.ExitCode == 0, copied.Error);
        return At(name);
    }

    /// <summary>Breaks the 5 in a copy of the tree.</summary>
    public void Break(string copy)
    {
        foreach (var (file, breakFile, _) in Broken)
        {
            breakFile(Path.Combine(copy, file));
        }
    }

    /// <summary>Mends the 5 in a copy of the tree.</summary>
    public void Mend(string copy)
    {
        foreach (var (file, _, _) in Broken)
        {
            File.Copy(Path.Combine(Tree, file), Path.Combine(copy, file), overwrite: true);
        }
    }

    /// <summary>All that a run leaves in its output but what tells of times: the results, the manifest and the checksums.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Results(string output) =>
        WorkFolder.Snapshot(output).Where(file => !file.Key.StartsWith(".qkvmigrate/reports/", StringComparison.Ordinal) && file.Key != ".qkvmigrate/tree.json");

    private static void SetLength(string path, long length)
    {
        using var file = File.OpenWrite(path);
        file.SetLength(length);
    }

    private string Grow()
    {
        PyTorch.Require();
        var kinds = Catalogue.Upgraded.Where(name => fixtures[name] is { Arguments.Count: 0, Splits: false }).ToList();
        var root = At("tree");
        var checkpoints = 0;
        for (var i = 0; checkpoints < Count; i++)
        {
            var kind = fixtures[kinds[i % kinds.Count]];
            var directory = Path.Combine(root, ((i / kinds.Count) + 1).ToString(CultureInfo.InvariantCulture), Path.GetFileName(kind.Folder));
            var files = Directory.GetFiles(kind.Folder);
            var shards = files.Count(file => Path.GetFileName(file).Contains("-of-", StringComparison.Ordinal));
            if (checkpoints + Math.Max(shards, 1) > Count)
            {
                continue;
            }

            Directory.CreateDirectory(directory);
            Array.ForEach(files, file => File.Copy(file, Path.Combine(directory, Path.GetFileName(file))));
            checkpoints += Math.Max(shards, 1);
        }

        return root;
    }

    private string Upgrade()
    {
        var run = Tool.Run("upgrade", Tree, "-o", At("upgraded"), "--jobs", "4", "--quiet");
        Assert.True(run.ExitCode == 0, run.Error);
        return At("upgraded");
    }
}
