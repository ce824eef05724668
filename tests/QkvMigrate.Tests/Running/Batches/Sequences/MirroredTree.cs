using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Trees;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches.Sequences;

/// <summary>A tree, its output, and what a simple model says must hold of both after each step.</summary>
internal sealed class MirroredTree : IDisposable
{
    /// <summary>The kinds of steps.</summary>
    public const int Kinds = 22;

    private static readonly string[] Units = ["", "a", "a/x", "b"];
    private static readonly string[] Names = ["lit_model.pth", "two.pth"];
    private static readonly string[] Patterns = ["lit_model.pth", "two.pth", "a", "b", "a/x"];

    private readonly WorkFolder folder = new(Directory.Exists("/dev/shm") ? "/dev/shm" : null);
    private readonly StreamReorderEngine engine = new();

    /// <summary>The checkpoints of the source: version, and whether it is sequential.</summary>
    private readonly Dictionary<string, (int Version, bool IsSequential)> source = new(StringComparer.Ordinal);

    /// <summary>Files in the output that are the user's: their digests.</summary>
    private readonly Dictionary<string, string> mine = new(StringComparer.Ordinal);

    /// <summary>Results that the user took away.</summary>
    private readonly HashSet<string> taken = new(StringComparer.Ordinal);

    /// <summary>Checkpoints that runs were asked for.</summary>
    private readonly HashSet<string> asked = new(StringComparer.Ordinal);

    private int clock = 1000;

    public MirroredTree()
    {
        foreach (var unit in Units)
        {
            Directory.CreateDirectory(Source(unit));
            File.WriteAllText(Source(unit, "model_config.yaml"), Versions.Configuration);
            WriteSource(Path.Combine(unit, "lit_model.pth"), isSequential: false);
        }

        Directory.CreateDirectory(folder.At("other", "b"));
        File.WriteAllBytes(folder.At("other", "b", "lit_model.pth"), Versions.Legacy(999));
        File.WriteAllText(folder.At("other", "b", "model_config.yaml"), Versions.Configuration);
    }

    public void Dispose() => folder.Dispose();

    /// <summary>Takes one step, and looks whether all holds.</summary>
    public void Take(Step step)
    {
        var unit = step.First(Units);
        var checkpoint = Path.Combine(unit, step.Second(Names));
        switch (step.Kind)
        {
            case 0:
                WriteSource(checkpoint, isSequential: false);
                break;
            case 1:
                WriteSource(checkpoint, isSequential: true);
                break;
            case 2:
                File.Delete(Source(checkpoint));
                source.Remove(checkpoint);
                break;
            case 3:
                RemoveUnit(unit);
                break;
            case 4 when File.Exists(Source(unit, "model_config.yaml")):
                File.Delete(Source(unit, "model_config.yaml"));
                break;
            case 4:
                WriteText(Source(unit, "model_config.yaml"), Versions.Configuration);
                break;
            case 5 when step.C % 2 == 0:
                WriteText(Source(unit, "notes.txt"), $"notes {clock++}");
                break;
            case 5:
                File.Delete(Source(unit, "notes.txt"));
                break;
            case 6 when Files() is { Count: > 0 } files:
                File.AppendAllText(Output(step.First(files)), $"worked on {clock++}");
                mine[step.First(files)] = Digest(step.First(files));
                break;
            case 7 when Files() is { Count: > 0 } files:
                File.Delete(Output(step.First(files)));
                mine.Remove(step.First(files));
                taken.Add(step.First(files));
                break;
            case 8 when step.Second(["notes.txt", "own.txt", "lit_model.pth", "two.pth", "model_config.yaml"]) is var name && !File.Exists(Output(unit, name)):
                WriteText(Output(unit, name), $"mine {clock++}");
                mine[Path.Combine(unit, name)] = Digest(Path.Combine(unit, name));
                break;
            case 9 or 10:
                Run();
                break;
            case 11:
                Run(selection: new CheckpointSelection([step.Third(Patterns)], []));
                break;
            case 12:
                Run(selection: new CheckpointSelection([], [step.Third(Patterns)]));
                break;
            case 13 or 14:
                var count = (step.B % 3) + 1;
                Run(shard: Shard.TryParse($"{(step.A % count) + 1}/{count}", out var shard) ? shard : null);
                break;
            case 15:
                Run(request => request with { Force = true });
                break;
            case 16:
                RunRefused(request => request with { Direction = MigrationDirection.Downgrade });
                break;
            case 17:
                RunRefused(request => request with { Path = folder.At("other") });
                break;
            case 18 or 19:
                Interrupt(step.A, isKill: true, step.C % 4 == 0);
                break;
            case 20:
                Interrupt(step.A, isKill: false, step.C % 4 == 0);
                break;
            case 21:
                RunTwice(step.C % 2 == 0 ? CheckpointSelection.All : new CheckpointSelection([step.Second(Patterns)], []));
                break;
        }
    }

    /// <summary>Where the user puts everything right, one more run ends where one undisturbed run ends.</summary>
    public void End()
    {
        foreach (var unit in source.Keys.Select(checkpoint => Path.GetDirectoryName(checkpoint)!).Distinct())
        {
            WriteText(Source(unit, "model_config.yaml"), Versions.Configuration);
        }

        if (!source.Keys.Any(checkpoint => checkpoint.Contains('/', StringComparison.Ordinal)))
        {
            return;
        }

        var undisturbed = folder.At("undisturbed");
        Migrator.Run([Request() with { Output = undisturbed }], new BatchOptions(), CancellationToken.None);
        TakeAwayWhatIsNotTheTools();
        foreach (var (file, _) in Orphans())
        {
            File.Delete(Output(file));
        }

        // What came along with a directory that has no checkpoint any more can belong to the one above now.
        var units = source.Keys.Select(checkpoint => Path.GetDirectoryName(checkpoint)!).ToHashSet(StringComparer.Ordinal);
        foreach (var file in Entries().Where(entry => !units.Contains(entry.Path)).SelectMany(entry => entry.Known().Select(file => Output(entry.Path, file.Path))).Where(File.Exists))
        {
            File.Delete(file);
        }

        var reports = Run();
        Assert.All(reports, report => Assert.Null(report.Error), throwIfEmpty: true);
        Assert.All(BatchReport.Read(Output()), report => Assert.True(report.Error is null && report.Status != CheckpointStatus.Pending, $"{report.Path}: {report.Status} {report.Error?.Message}"), throwIfEmpty: true);
        TakeAwayWhatIsNotTheTools();
        Assert.Equal(State(undisturbed), State(Output()));
    }

    private static IEnumerable<KeyValuePair<string, string>> State(string output) => WorkFolder.Snapshot(output).Where(file =>
        !file.Key.StartsWith(".qkvmigrate/reports/", StringComparison.Ordinal) && file.Key != ".qkvmigrate/tree.json");

    private void TakeAwayWhatIsNotTheTools()
    {
        var known = Entries().SelectMany(entry => entry.Known().Select(file => (Path: Path.Combine(entry.Path, file.Path), file.Sha256))).ToHashSet();
        foreach (var file in Files().Where(file => !known.Contains((file, Digest(file)))))
        {
            File.Delete(Output(file));
            mine.Remove(file);
        }
    }

    private void WriteSource(string checkpoint, bool isSequential)
    {
        var version = clock++;
        Directory.CreateDirectory(Path.GetDirectoryName(Source(checkpoint))!);
        File.WriteAllBytes(Source(checkpoint), isSequential ? Versions.Sequential(version % 40) : Versions.Legacy(version % 40));
        File.SetLastWriteTimeUtc(Source(checkpoint), DateTime.UnixEpoch.AddDays(version));
        source[checkpoint] = (version % 40, isSequential);
    }

    private static void WriteText(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private void RemoveUnit(string unit)
    {
        foreach (var file in Directory.Exists(Source(unit)) ? Directory.GetFiles(Source(unit)) : [])
        {
            File.Delete(file);
            source.Remove(Path.GetRelativePath(Source(), file));
        }
    }

    private MigrationRequest Request() => new() { Path = Source(), Output = Output(), Direction = MigrationDirection.Upgrade, Engine = () => engine };

    private IReadOnlyList<CheckpointReport> Run(Func<MigrationRequest, MigrationRequest>? change = null, CheckpointSelection? selection = null, Shard? shard = null)
    {
        selection ??= CheckpointSelection.All;
        var request = change?.Invoke(Request()) ?? Request();
        IReadOnlyList<CheckpointReport> reports = [];
        Watch(request.Force, () => reports = Migrator.Run([request], new BatchOptions { Selection = selection, Shard = shard, Jobs = 1 + (clock % 2) }, CancellationToken.None));
        if (reports.Any(report => report.Path == Source()))
        {
            return reports;
        }

        var selected = selection.Of(source.Keys);
        asked.UnionWith(selected);
        AssertTold(reports, selected, isAll: shard is null);
        AssertReportIsTheDisk();
        return reports;
    }

    private void RunRefused(Func<MigrationRequest, MigrationRequest> change)
    {
        if (!File.Exists(Output(".qkvmigrate", "tree.json")))
        {
            return;
        }

        var before = WorkFolder.Snapshot(Output());
        Assert.NotNull(Assert.Single(Migrator.Run([change(Request())], new BatchOptions(), CancellationToken.None)).Error);
        Assert.Equal(before, WorkFolder.Snapshot(Output()));
    }

    private void Interrupt(int moment, bool isKill, bool force) => Watch(force, () =>
    {
        var interruption = new Interruption(moment, isKill, Output());
        Migrator.Run([Request() with { Force = force, Progress = interruption }], new BatchOptions { Observer = interruption }, interruption.Token);
        interruption.Restore();
    });

    private void RunTwice(CheckpointSelection selection)
    {
        Watch(force: false, () => Parallel.Invoke(
            () => Migrator.Run([Request()], new BatchOptions { Jobs = 2 }, CancellationToken.None),
            () => Migrator.Run([Request()], new BatchOptions { Selection = selection }, CancellationToken.None)));
        AssertReportIsTheDisk();
    }

    /// <summary>Has a run done, and looks whether anything was lost.</summary>
    private void Watch(bool force, Action run)
    {
        var before = WorkFolder.Snapshot(Source());
        var standing = Files().Where(file => !mine.ContainsKey(file)).ToDictionary(file => file, Digest, StringComparer.Ordinal);
        var orphans = Orphans();
        run();

        Assert.Equal(before, WorkFolder.Snapshot(Source()));
        foreach (var (file, digest) in mine.ToList())
        {
            if (force && !(File.Exists(Output(file)) && Digest(file) == digest))
            {
                mine.Remove(file);
            }
            else
            {
                Assert.Equal((file, digest), (file, Digest(file)));
            }
        }

        Assert.All(orphans, orphan => Assert.Equal(orphan.Digest, Digest(orphan.File)), throwIfEmpty: false);
        foreach (var (checkpoint, (version, isSequential)) in source.Where(checkpoint => !checkpoint.Value.IsSequential))
        {
            var expected = FileDigest.Of(Versions.Sequential(version));
            Assert.False(standing.TryGetValue(checkpoint, out var digest) && digest == expected && Digest(checkpoint) != expected, $"the result {checkpoint} was lost");
            Assert.False(isSequential);
        }

        AssertSumsHold();
        if (force)
        {
            // What the account let go of is the user's.
            var known = Entries().SelectMany(entry => entry.Known().Select(file => Path.Combine(entry.Path, file.Path))).ToHashSet(StringComparer.Ordinal);
            foreach (var file in Files().Where(file => !known.Contains(file)))
            {
                mine[file] = Digest(file);
            }
        }
    }

    /// <summary>What the reports of a run say is so.</summary>
    private void AssertTold(IReadOnlyList<CheckpointReport> reports, HashSet<string> selected, bool isAll)
    {
        var told = reports.ToLookup(report => Path.GetRelativePath(Source(), report.Path), StringComparer.Ordinal);
        foreach (var checkpoint in selected)
        {
            if (told[checkpoint].FirstOrDefault() is not { } report)
            {
                Assert.False(isAll, $"{checkpoint} was not told");
                continue;
            }

            var (version, isSequential) = source[checkpoint];
            if (report.Error is null && (report.Status == CheckpointStatus.Upgraded || report.Advice.Any(advice => advice.Code == "finished-before")))
            {
                Assert.Equal((checkpoint, FileDigest.Of(Versions.Sequential(version))), (checkpoint, Digest(checkpoint)));
                taken.Remove(checkpoint);
            }
            else if (report.Error is null && report.Status == CheckpointStatus.Unchanged)
            {
                Assert.True(isSequential, checkpoint);
            }
        }
    }

    /// <summary>Where the report says that all is well, it is.</summary>
    private void AssertReportIsTheDisk()
    {
        var reports = BatchReport.Read(Output());
        if (reports.Any(report => report.Error is not null || report.Status == CheckpointStatus.Pending))
        {
            return;
        }

        var told = reports.Select(report => Path.GetRelativePath(Source(), report.Path)).ToHashSet(StringComparer.Ordinal);
        foreach (var checkpoint in asked.Where(checkpoint => source.TryGetValue(checkpoint, out var state) && !state.IsSequential))
        {
            Assert.Contains(checkpoint, told);
            Assert.Equal((checkpoint, FileDigest.Of(Versions.Sequential(source[checkpoint].Version))), (checkpoint, Digest(checkpoint)));
        }
    }

    /// <summary>What <c>sha256sum -c</c> says is so, but for what the user did.</summary>
    private void AssertSumsHold()
    {
        foreach (var line in File.Exists(Output("SHA256SUMS")) ? File.ReadAllLines(Output("SHA256SUMS")) : [])
        {
            var file = line[66..];
            if (!mine.ContainsKey(file) && !(taken.Contains(file) && !File.Exists(Output(file))))
            {
                Assert.Equal((file, line[..64]), (file, Digest(file)));
            }
        }
    }

    private IReadOnlyList<ManifestEntry> Entries() => [.. new OutputRecord(Output()).Entries.ReadAll()];

    /// <summary>Results, as they were written, of checkpoints that are gone.</summary>
    private IReadOnlyList<(string File, string Digest)> Orphans() =>
    [
        .. Entries().SelectMany(entry => entry.Known().Where(file => file.Source is { } checkpoint && !File.Exists(Source(entry.Path, checkpoint))).Select(file => (File: Path.Combine(entry.Path, file.Path), Digest: file.Sha256)))
            .Where(orphan => File.Exists(Output(orphan.File)) && Digest(orphan.File) == orphan.Digest),
    ];

    /// <summary>What stands in the output, but for the account and what is being written.</summary>
    private IReadOnlyList<string> Files() => !Directory.Exists(Output()) ? [] :
    [
        .. Directory.EnumerateFiles(Output(), "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Output(), file))
            .Where(file => file != "SHA256SUMS" && !file.Split('/').Any(name => name == ".qkvmigrate" || TemporaryName.Is(name)))
            .Order(StringComparer.Ordinal),
    ];

    private string Digest(string file) => File.Exists(Output(file)) ? FileDigest.Whole(Output(file), CancellationToken.None) : "gone";

    private string Source(params string[] names) => Path.TrimEndingDirectorySeparator(folder.At(["source", .. names]));

    private string Output(params string[] names) => Path.TrimEndingDirectorySeparator(folder.At(["output", .. names]));
}
