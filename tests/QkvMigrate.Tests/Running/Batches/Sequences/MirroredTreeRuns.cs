using QkvMigrate.Folders;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Trees;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches.Sequences;

/// <content>The runs over the tree.</content>
internal sealed partial class MirroredTree
{
    private MigrationRequest Request() => new() { Path = Source(), Output = Output(), Direction = MigrationDirection.Upgrade, Engine = () => engine };

    private IReadOnlyList<CheckpointReport> Run(Func<MigrationRequest, MigrationRequest>? change = null, CheckpointSelection? selection = null, WorkPart? part = null)
    {
        selection ??= CheckpointSelection.All;
        var request = change?.Invoke(Request()) ?? Request();
        IReadOnlyList<CheckpointReport> reports = [];
        Watch(request.Force, () => reports = Migrator.Run([request], new BatchOptions { Selection = selection, Part = part, Jobs = 1 + (clock % 2) }, CancellationToken.None));
        if (reports.Any(report => report.Path == Source()))
        {
            return reports;
        }

        var selected = selection.Of(source.Keys);
        asked.UnionWith(selected);
        AssertTold(reports, selected, isAll: part is null);
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
}
