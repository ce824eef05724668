using QkvMigrate.Files;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches.Sequences;

/// <content>What must hold after each step, and at the end.</content>
internal sealed partial class MirroredTree
{
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
}
