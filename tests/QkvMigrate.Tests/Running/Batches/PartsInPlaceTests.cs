using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Tests.Support;
using QkvMigrate.Trees;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

/// <summary>Parts of a tree in place: each upgrade changes the sizes by which the tree is dealt, and yet every unit has its part.</summary>
public sealed class PartsInPlaceTests : IDisposable
{
    private const int Units = 12;

    private readonly WorkFolder folder = new();
    private readonly StreamReorderEngine engine = new();

    public PartsInPlaceTests()
    {
        for (var i = 0; i < Units; i++)
        {
            Make($"m{i:00}", 100 * (i / 2));
        }
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("1 2 3 4", 4)]
    [InlineData("4 2 1 3", 4)]
    [InlineData("1 1 2 3 2 4", 4)]
    [InlineData("2 1", 2)]
    public void One_after_the_other_they_leave_nothing_legacy(string order, int count)
    {
        foreach (var part in order.Split(' ').Select(int.Parse))
        {
            Assert.DoesNotContain(Run(part, count), report => report.Error is not null);
        }

        Assert.Empty(Legacy());
        Assert.DoesNotContain(WorkFolder.Snapshot(folder.Path).Keys, name => name.Contains(".qkvmigrate", StringComparison.Ordinal));
    }

    [Fact]
    public void At_once_they_leave_nothing_legacy()
    {
        Parallel.For(1, 5, new ParallelOptions { MaxDegreeOfParallelism = 4 }, part => Assert.DoesNotContain(Run(part, 4), report => report.Error is not null));
        Assert.Empty(Legacy());
        Assert.DoesNotContain(WorkFolder.Snapshot(folder.Path).Keys, name => name.Contains(".qkvmigrate", StringComparison.Ordinal));
    }

    [Fact]
    public void They_are_about_even_by_bytes()
    {
        var parts = Enumerable.Range(1, 3).Select(part => Run(part, 3).Count).ToList();
        Assert.All(parts, count => Assert.InRange(count, 3, 5), throwIfEmpty: true);
        Assert.Equal(Units, parts.Sum());
    }

    [Fact]
    public void A_unit_that_comes_in_between_is_dealt_to_a_part_that_is_still_to_run()
    {
        Run(1, 2);
        Make("aa", 5000);
        Run(2, 2);
        Assert.Empty(Legacy());
    }

    [Fact]
    public void What_a_part_has_not_done_is_told_by_the_last_and_done_by_it_again()
    {
        File.Delete(folder.At("m00", "model_config.yaml"));
        var owner = Enumerable.Range(1, 3).First(part => Run(part, 3, dryRun: true).Any(report => report.Error is not null));
        foreach (var part in Enumerable.Range(1, 3).OrderBy(part => part != owner))
        {
            var told = Run(part, 3).Where(report => report.Error is not null).Select(report => Path.GetRelativePath(folder.Path, report.Path));
            Assert.Equal(part == owner ? ["m00/lit_model.pth"] : part == Enumerable.Range(1, 3).Last(other => other != owner) ? ["m00"] : [], told);
        }

        File.WriteAllText(folder.At("m00", "model_config.yaml"), "name: x\nn_embd: 16\nn_head: 4\nn_query_groups: 2\n");
        Assert.DoesNotContain(Run(owner, 3), report => report.Error is not null);
        Assert.Empty(Legacy());
        Assert.DoesNotContain(WorkFolder.Snapshot(folder.Path).Keys, name => name.Contains(".qkvmigrate", StringComparison.Ordinal));
    }

    [Fact]
    public void A_part_that_was_ended_is_taken_up()
    {
        using (var ended = new EndedAtOnce())
        {
            Run(1, 3, ended: ended);
        }

        foreach (var part in new[] { 3, 2, 1 })
        {
            Run(part, 3);
        }

        Assert.Empty(Legacy());
    }

    [Fact]
    public void A_dry_run_writes_nothing_and_deals_as_the_run_does()
    {
        var planned = Run(2, 3, dryRun: true).Select(report => report.Path);
        Assert.DoesNotContain(WorkFolder.Snapshot(folder.Path).Keys, name => name.Contains(".qkvmigrate", StringComparison.Ordinal));
        Assert.Equal(planned, Run(2, 3).Select(report => report.Path));
        Assert.Equal(planned, Run(2, 3, dryRun: true).Select(report => report.Path));
    }

    [Fact]
    public void Named_files_have_a_part_each_too()
    {
        var files = Directory.GetFiles(folder.Path, "lit_model.pth", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        for (var part = 1; part <= 5; part++)
        {
            Migrator.Run(files.Select(file => Request(file, dryRun: false)), Options(part, 5), TestContext.Current.CancellationToken);
        }

        Assert.Empty(Legacy());
    }

    [Fact]
    public void Directories_that_are_named_one_by_one_do_not_all_go_to_the_first()
    {
        var directories = Directory.GetDirectories(folder.Path).Order(StringComparer.Ordinal).ToList();
        var counts = new List<int>();
        for (var part = 1; part <= 3; part++)
        {
            counts.Add(Migrator.Run(directories.Select(directory => Request(directory, dryRun: false)), Options(part, 3), TestContext.Current.CancellationToken).Count);
        }

        Assert.Equal(Units, counts.Sum());
        Assert.True(counts.Max() <= Units / 2, string.Join(' ', counts));
        Assert.Empty(Legacy());
        Assert.DoesNotContain(WorkFolder.Snapshot(folder.Path).Keys, name => name.Contains(".qkvmigrate", StringComparison.Ordinal));
    }

    private static BatchOptions Options(int part, int count) => new() { Part = WorkPart.TryParse($"{part}/{count}", out var own) ? own : throw new ArgumentOutOfRangeException(nameof(part)) };

    private void Make(string name, int padding)
    {
        Directory.CreateDirectory(folder.At(name));
        File.WriteAllBytes(folder.At(name, "lit_model.pth"), LegacyModel.Legacy.ToFile());
        File.WriteAllText(folder.At(name, "model_config.yaml"), "name: x\nn_embd: 16\nn_head: 4\nn_query_groups: 2\n");
        File.WriteAllText(folder.At(name, "notes.txt"), new string('x', padding));
    }

    private MigrationRequest Request(string path, bool dryRun) => new() { Path = path, InPlace = true, DryRun = dryRun, Direction = MigrationDirection.Upgrade, Engine = () => engine };

    private IReadOnlyList<CheckpointReport> Run(int part, int count, bool dryRun = false, EndedAtOnce? ended = null) =>
        Migrator.Run([Request(folder.Path, dryRun)], Options(part, count) with { Observer = ended }, ended?.Token ?? TestContext.Current.CancellationToken);

    private IEnumerable<CheckpointReport> Legacy() =>
        Migrator.Run([Request(folder.Path, dryRun: true)], new BatchOptions(), TestContext.Current.CancellationToken).Where(report => report.Status != CheckpointStatus.Unchanged);
}
