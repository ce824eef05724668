using QkvMigrate.Folders;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Trees;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches.Sequences;

/// <summary>A tree that is worked on in place, with backups and in parts, and what a simple model says must hold after each step.</summary>
internal sealed class TreeInPlace : IDisposable
{
    /// <summary>The kinds of steps.</summary>
    public const int Kinds = 15;

    private static readonly string[] Units = ["", "a", "a/x", "b", "c"];
    private static readonly string[] Suffixes = [".old", ".bak", ".old.old"];

    private readonly WorkFolder folder = new(Directory.Exists("/dev/shm") ? "/dev/shm" : null);
    private readonly StreamReorderEngine engine = new();

    /// <summary>The version in each checkpoint that is no backup, by its path.</summary>
    private readonly Dictionary<string, int> checkpoints = new(StringComparer.Ordinal);

    /// <summary>The backups, by their paths, with the version and layout that they keep.</summary>
    private readonly Dictionary<string, byte[]> backups = new(StringComparer.Ordinal);

    private int clock;

    public TreeInPlace()
    {
        foreach (var unit in Units)
        {
            Directory.CreateDirectory(At(unit));
            File.WriteAllText(At(unit, "model_config.yaml"), Versions.Configuration);
            File.WriteAllText(At(unit, "notes.txt"), new string('x', 300 * (unit.Length + 1)));
            Write(Path.Combine(unit, "lit_model.pth"));
        }

        Write("c/two.pth");
    }

    public void Dispose() => folder.Dispose();

    public void Take(Step step)
    {
        var checkpoint = step.First([.. checkpoints.Keys.Order(StringComparer.Ordinal)]);
        switch (step.Kind)
        {
            case 0 or 1:
                Write(checkpoint);
                break;
            case 2 when backups.Count > 0:
                PutBack(step.First([.. backups.Keys.Order(StringComparer.Ordinal)]), isMove: step.B % 2 == 0);
                break;
            case 3 when backups.Count > 0:
                var backup = step.First([.. backups.Keys.Order(StringComparer.Ordinal)]);
                File.Delete(At(backup));
                backups.Remove(backup);
                break;
            case 4 when checkpoints.Count > 3:
                File.Delete(At(checkpoint));
                checkpoints.Remove(checkpoint);
                break;
            case 5:
                Directory.Move(At(), folder.At("moved"));
                Directory.Move(folder.At("moved"), At());
                break;
            case 6 or 7:
                Run(MigrationDirection.Upgrade, null, CheckpointSelection.All);
                break;
            case 8 or 9:
                Run(MigrationDirection.Upgrade, step.Second(Suffixes), CheckpointSelection.All);
                break;
            case 10:
                Run(MigrationDirection.Downgrade, step.B % 2 == 0 ? null : step.Third(Suffixes), CheckpointSelection.All);
                break;
            case 11:
                Run(MigrationDirection.Upgrade, step.B % 2 == 0 ? null : step.Second(Suffixes), new CheckpointSelection([step.Third(["a", "lit_model.pth", "c"])], []));
                break;
            case 12:
                RunParts((step.A % 4) + 2, step.B, step.C % 2 == 0 ? null : step.Second(Suffixes));
                break;
            case 13 or 14:
                Interrupt(step.A, isKill: step.Kind == 13, step.B % 2 == 0 ? null : step.Second(Suffixes));
                break;
        }
    }

    /// <summary>A last full run leaves nothing legacy, and nothing for a next one.</summary>
    public void End()
    {
        Run(MigrationDirection.Upgrade, null, CheckpointSelection.All);
        Assert.All(checkpoints, checkpoint => Assert.Equal(Versions.Sequential(checkpoint.Value), File.ReadAllBytes(At(checkpoint.Key))), throwIfEmpty: true);
        var before = WorkFolder.Snapshot(At());
        Run(MigrationDirection.Upgrade, ".old", CheckpointSelection.All);
        Assert.Equal(before, WorkFolder.Snapshot(At()));
    }

    private void Write(string checkpoint)
    {
        checkpoints[checkpoint] = ++clock % 40;
        File.WriteAllBytes(At(checkpoint), Versions.Legacy(clock % 40));
    }

    /// <summary>The user puts a backup back over its file, or beside it under another name.</summary>
    private void PutBack(string backup, bool isMove)
    {
        var target = isMove ? checkpoints.Keys.Order(StringComparer.Ordinal).LastOrDefault(name => backup.StartsWith(name, StringComparison.Ordinal)) : null;
        target ??= $"{backup}.put-back-{++clock}.pth";
        var content = backups[backup];
        checkpoints[target] = Enumerable.Range(0, 40).First(version => content.AsSpan().SequenceEqual(Versions.Legacy(version)) || content.AsSpan().SequenceEqual(Versions.Sequential(version)));
        if (isMove)
        {
            File.Move(At(backup), At(target), overwrite: true);
            backups.Remove(backup);
        }
        else
        {
            File.Copy(At(backup), At(target), overwrite: true);
        }
    }

    private MigrationRequest Request(MigrationDirection direction, string? suffix) => new() { Path = At(), InPlace = true, BackupSuffix = suffix, Direction = direction, Engine = () => engine };

    private void Run(MigrationDirection direction, string? suffix, CheckpointSelection selection)
    {
        var reports = Watch(suffix, () => Migrator.Run([Request(direction, suffix)], new BatchOptions { Selection = selection, Jobs = 1 + (clock++ % 2) }, CancellationToken.None));
        var selected = selection.Of(checkpoints.Keys);
        if (selected.Count == 0)
        {
            Assert.NotNull(Assert.Single(reports).Error);
            return;
        }

        Assert.Equal(selected.Order(StringComparer.Ordinal), reports.Select(report => Path.GetRelativePath(At(), report.Path)).Order(StringComparer.Ordinal));
        AssertDone(direction, reports);
        if (reports.All(report => report.Error is null))
        {
            Assert.DoesNotContain(Check(direction, selection), report => report.Status != CheckpointStatus.Unchanged);
        }
    }

    private void RunParts(int count, int order, string? suffix)
    {
        var parts = Enumerable.Range(1, count).OrderBy(part => (part * (order + 1)) % 7).ToList();
        var reports = parts.SelectMany(part => Watch(suffix, () => Migrator.Run(
            [Request(MigrationDirection.Upgrade, suffix)],
            new BatchOptions { Part = WorkPart.TryParse($"{part}/{count}", out var own) ? own : null },
            CancellationToken.None))).ToList();
        if (reports.TrueForAll(report => report.Error is null))
        {
            Assert.DoesNotContain(Check(MigrationDirection.Upgrade, CheckpointSelection.All), report => report.Status != CheckpointStatus.Unchanged);
            Assert.Empty(Directory.EnumerateFiles(At(), ".qkvmigrate-parts-*"));
        }
        else
        {
            Array.ForEach(Directory.GetFiles(At(), ".qkvmigrate-parts-*"), File.Delete);
        }
    }

    private void Interrupt(int moment, bool isKill, string? suffix) => Watch(suffix, () =>
    {
        var interruption = new Interruption(moment, isKill, At());
        Migrator.Run([Request(MigrationDirection.Upgrade, suffix) with { Progress = interruption }], new BatchOptions { Observer = interruption }, interruption.Token);
        interruption.Restore();
        return [];
    });

    private IReadOnlyList<CheckpointReport> Check(MigrationDirection direction, CheckpointSelection selection) =>
        Migrator.Run([Request(direction, null) with { DryRun = true, Force = true }], new BatchOptions { Selection = selection }, CancellationToken.None);

    private void AssertDone(MigrationDirection direction, IReadOnlyList<CheckpointReport> reports)
    {
        foreach (var checkpoint in reports.Where(report => report.Error is null && report.Status is CheckpointStatus.Upgraded or CheckpointStatus.Downgraded or CheckpointStatus.Unchanged).Select(report => Path.GetRelativePath(At(), report.Path)))
        {
            var version = checkpoints[checkpoint];
            Assert.Equal(direction == MigrationDirection.Upgrade ? Versions.Sequential(version) : Versions.Legacy(version), File.ReadAllBytes(At(checkpoint)));
        }
    }

    /// <summary>Has a run done, and looks whether anything was lost: each file is its version still, and with a backup the old file is there.</summary>
    private IReadOnlyList<CheckpointReport> Watch(string? suffix, Func<IReadOnlyList<CheckpointReport>> run)
    {
        var before = checkpoints.Keys.ToDictionary(name => name, name => File.ReadAllBytes(At(name)), StringComparer.Ordinal);
        var reports = run();
        Assert.All(backups, backup => Assert.Equal(backup.Value, File.ReadAllBytes(At(backup.Key))), throwIfEmpty: false);
        foreach (var (checkpoint, version) in checkpoints)
        {
            var now = File.ReadAllBytes(At(checkpoint));
            Assert.True(now.AsSpan().SequenceEqual(Versions.Legacy(version)) || now.AsSpan().SequenceEqual(Versions.Sequential(version)), $"{checkpoint} is broken");
            var backup = checkpoint + suffix;
            if (suffix is not null && !now.AsSpan().SequenceEqual(before[checkpoint]))
            {
                Assert.False(backups.ContainsKey(backup) && !File.Exists(At(backup)));
                Assert.Equal(before[checkpoint], File.ReadAllBytes(At(backup)));
            }

            if (suffix is not null && File.Exists(At(backup)) && !checkpoints.ContainsKey(backup))
            {
                backups[backup] = File.ReadAllBytes(At(backup));
            }
        }

        return reports;
    }

    private string At(params string[] names) => Path.TrimEndingDirectorySeparator(folder.At(["tree", .. names]));
}
