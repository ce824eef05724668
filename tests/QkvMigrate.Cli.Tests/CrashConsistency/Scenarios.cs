using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>Runs of all kinds, each of a few small files.</summary>
internal static class Scenarios
{
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("file", MakeFile, "model.pth") { Output = "new.pth" },
        new("file in place", MakeFile, "model.pth"),
        new("file in place with a backup", MakeFile, "model.pth") { BackupSuffix = ".old" },
        new("folder", MakeFolder, "run") { Output = "new", IsWhole = true },
        new("folder into new folders", MakeFolder, "run") { Output = "a/b/new", IsWhole = true },
        new("folder in place", MakeFolder, "run"),
        new("folder in place with backups", MakeFolder, "run") { BackupSuffix = ".old" },
        new("shards", root => SmallCheckpoint.WriteShards(Path.Combine(root, "run")), "run") { Output = "new", IsWhole = true },
        new("shards in place", root => SmallCheckpoint.WriteShards(Path.Combine(root, "run")), "run"),
        new("tree", MakeTree, "tree") { Output = "new", Jobs = 2 },
        new("tree in place", MakeTree, "tree") { Jobs = 2 },
        new("tree of many", MakeMany, "tree") { Output = "new", Jobs = 2, IsTogether = true },
        new("tree of many in place", MakeMany, "tree") { Jobs = 2, IsTogether = true },
        new("part of a tree", MakeTree, "tree") { Output = "new", Part = "1/2" },
        new("part of a tree in place", MakeTree, "tree") { Part = "1/2" },
        new("tree with a changed source", MakeChangedTree, "tree") { Output = "new", Jobs = 2 },
        new("tree with a lost file", MakeShrunkTree, "tree") { Output = "new" },
        new("file in place with a journal", MakeFile, "model.pth") { IsJournaled = true },
        new("file in place with a journal in steps", MakeWide, "model.pth") { IsJournaled = true, IsInSteps = true },
        new("recovery", Interrupt, "model.pth") { IsJournaled = true, IsInSteps = true, IsRecovery = true },
        new("recovery that takes back", Interrupt, "model.pth") { IsJournaled = true, IsInSteps = true, IsRecovery = true, IsUndo = true },
        new("export", MakeModel, "model") { Output = "new", IsWhole = true, IsExport = true },
        new("export of a tree", root => MakeModel(Path.Combine(root, "tree")), "tree") { Output = "new", IsExport = true },
    ];

    private static readonly Lazy<IReadOnlyList<string>> Ends = new(FindEnds);

    /// <summary>The digests of the old and the new file of the recoveries.</summary>
    public static IReadOnlyList<string> EndsOfRecovery => Ends.Value;

    public static Scenario Named(string name) => All.Single(scenario => scenario.Name == name);

    private static void MakeFile(string root) => SmallCheckpoint.Write(Path.Combine(root, "model.pth"), 1, isLong: true);

    private static void MakeWide(string root) => SmallCheckpoint.WriteWide(Path.Combine(root, "model.pth"));

    private static IReadOnlyList<string> FindEnds()
    {
        using var work = new WorkFolder();
        MakeWide(work.Path);
        var old = DiskState.Of(work.Path)["model.pth"]!;
        Assert.Null(Named("file in place").Run(work.Path, force: false));
        return [old, DiskState.Of(work.Path)["model.pth"]!];
    }

    /// <summary>Leaves what a power cut leaves of a change in place, in the middle of it.</summary>
    private static void Interrupt(string root)
    {
        using var run = new CrashedRun(Named("file in place with a journal in steps"), isPortable: false);
        var moments = run.Whole.Moments;
        run.Whole.At(moments[moments.Count * 2 / 3], _ => Reach.Some, new Random(1)).Write(root);
    }

    private static void MakeFolder(string root)
    {
        var run = Path.Combine(root, "run");
        SmallCheckpoint.Write(Path.Combine(run, "first.pth"), 1);
        SmallCheckpoint.Write(Path.Combine(run, "second.pth"), 2);
        MakeCompanions(run);
        File.WriteAllText(
            Path.Combine(run, "lit_config.json"),
            """{"name": "pythia-14m", "n_head": 4, "n_query_groups": 2, "n_embd": 32, "n_layer": 1, "head_size": 8}""");
    }

    /// <summary>What comes along: a file in a folder, one in a folder that has nothing else, and a link beside it.</summary>
    private static void MakeCompanions(string run)
    {
        Directory.CreateDirectory(Path.Combine(run, "logs", "days"));
        File.WriteAllText(Path.Combine(run, "logs", "days", "first.txt"), "a day");
        File.WriteAllText(Path.Combine(run, "notes.txt"), "a note");
        Directory.CreateDirectory(Path.Combine(run, "links"));
        File.CreateSymbolicLink(Path.Combine(run, "links", "notes"), "../notes.txt");
    }

    private static void MakeTree(string root)
    {
        foreach (var (number, unit) in new[] { "a", "a/inner", "b" }.Index())
        {
            SmallCheckpoint.Write(Path.Combine(root, "tree", unit, "lit_model.pth"), number);
        }

        MakeCompanions(Path.Combine(root, "tree", "b"));
    }

    /// <summary>So many that they are synced together.</summary>
    private static void MakeMany(string root)
    {
        foreach (var number in Enumerable.Range(0, 12))
        {
            SmallCheckpoint.Write(Path.Combine(root, "tree", $"m{number:00}", "lit_model.pth"), number);
        }
    }

    /// <summary>The tree, upgraded, of which one checkpoint is another one since.</summary>
    private static void MakeChangedTree(string root)
    {
        MakeUpgraded(root);
        SmallCheckpoint.Write(Path.Combine(root, "tree", "b", "lit_model.pth"), 9);
    }

    /// <summary>The tree, upgraded, of which a file that came along is gone.</summary>
    private static void MakeShrunkTree(string root)
    {
        MakeUpgraded(root);
        Directory.Delete(Path.Combine(root, "tree", "b", "logs"), recursive: true);
    }

    private static void MakeUpgraded(string root)
    {
        MakeTree(root);
        Assert.Null(Named("tree").Run(root, force: false));
    }

    private static void MakeModel(string root)
    {
        var model = Directory.CreateDirectory(Path.Combine(root, "model")).FullName;
        foreach (var file in Directory.EnumerateFiles(ExportedModel.Checkpoint("llama-gqa")))
        {
            File.Copy(file, Path.Combine(model, Path.GetFileName(file)));
        }
    }
}
