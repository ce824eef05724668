using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

/// <summary>Backups of runs in place are legacy checkpoints by their content, and must not be taken for ones.</summary>
public sealed class BackupTests : IDisposable
{
    private const string Configuration = "name: x\nn_embd: 16\nn_head: 4\nn_query_groups: 2\n";

    private readonly WorkFolder folder = new();
    private readonly StreamReorderEngine engine = new();

    public BackupTests()
    {
        foreach (var model in new[] { "a", "b" })
        {
            Directory.CreateDirectory(At(model));
            File.WriteAllBytes(At(model, "lit_model.pth"), LegacyModel.Legacy.ToFile());
            File.WriteAllText(At(model, "model_config.yaml"), Configuration);
        }
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(".old")]
    [InlineData(".older")]
    [InlineData(null)]
    public void They_are_left_alone_by_every_later_run(string? suffix)
    {
        var original = File.ReadAllBytes(At("a", "lit_model.pth"));
        Assert.Equal("upgraded upgraded", Statuses(Run(".old")));
        var before = WorkFolder.Snapshot(At());

        Assert.Equal("unchanged unchanged", Statuses(Run(suffix)));
        Assert.Equal("unchanged unchanged", Statuses(Run(null, request => request with { DryRun = true, Force = true })));

        Assert.Equal(before, WorkFolder.Snapshot(At()));
        Assert.Equal(original, File.ReadAllBytes(At("a", "lit_model.pth.old")));
    }

    /// <summary>A backup is a hard link that comes, and the file that is replaced one that goes: the others' time of change moves.</summary>
    [Fact]
    public void Checkpoints_that_are_one_file_have_one_each()
    {
        var original = File.ReadAllBytes(At("a", "lit_model.pth"));
        foreach (var other in new[] { "second.pth", "third.pth" })
        {
            Assert.Equal(0, ChildProcess.Run("ln", [At("a", "lit_model.pth"), At("a", other)]).ExitCode);
        }

        Assert.Equal("upgraded upgraded upgraded upgraded", Statuses(Run(".old")));

        foreach (var name in new[] { "lit_model.pth", "second.pth", "third.pth" })
        {
            Assert.Equal(original, File.ReadAllBytes(At("a", name + ".old")));
            Assert.NotEqual(original, File.ReadAllBytes(At("a", name)));
        }
    }

    [Fact]
    public void They_are_known_where_their_folder_was_moved_or_copied()
    {
        Run(".old");
        Directory.Move(At("a"), At("moved"));
        Assert.Equal("unchanged unchanged", Statuses(Run(null)));
    }

    [Fact]
    public void One_that_was_put_back_is_a_checkpoint_again()
    {
        var original = File.ReadAllBytes(At("a", "lit_model.pth"));
        Run(".old");
        File.Move(At("a", "lit_model.pth.old"), At("a", "lit_model.pth"), overwrite: true);
        File.Delete(At("a", "model_config.yaml.old"));

        Assert.Equal("upgraded unchanged", Statuses(Run(".old")));
        Assert.Equal(original, File.ReadAllBytes(At("a", "lit_model.pth.old")));
    }

    [Fact]
    public void A_file_of_another_content_under_the_name_is_a_checkpoint()
    {
        Run(".old");
        var other = LegacyModel.Legacy.ToFile();
        other[other.AsSpan().LastIndexOf("lm_head.weight"u8)] = (byte)'L';
        File.WriteAllBytes(At("a", "lit_model.pth.old"), other);
        Assert.Equal(3, Run(null, request => request with { DryRun = true }).Count);
    }

    [Fact]
    public void One_that_is_named_is_worked_on()
    {
        Run(".old");
        Assert.Equal("upgraded", Statuses(Run(null, request => request with { Path = At("a", "lit_model.pth.old") })));
    }

    [Fact]
    public void They_do_not_come_along_to_an_output()
    {
        Run(".old");
        var reports = Migrator.Run(new MigrationRequest { Path = At("a"), Output = At("out"), Direction = MigrationDirection.Downgrade, Engine = () => engine }, TestContext.Current.CancellationToken);
        Assert.Equal("downgraded", Statuses(reports));
        Assert.Equal(["lit_model.pth", "model_config.yaml"], WorkFolder.Snapshot(At("out")).Keys);
    }

    [Fact]
    public void A_configuration_that_goes_has_its_backup_too()
    {
        File.Delete(At("a", "model_config.yaml"));
        const string Old = """{"name": "x", "block_size": 8, "n_layer": 2, "n_embd": 16, "n_head": 4, "n_query_groups": 2}""";
        File.WriteAllText(At("a", "lit_config.json"), Old);

        Run(null);
        var upgraded = File.ReadAllText(At("a", "model_config.yaml"));

        Assert.Equal("downgraded downgraded", Statuses(Run(".new", request => request with { Direction = MigrationDirection.Downgrade })));

        Assert.False(File.Exists(At("a", "model_config.yaml")));
        Assert.Equal((Old, upgraded), (File.ReadAllText(At("a", "lit_config.json")), File.ReadAllText(At("a", "model_config.yaml.new"))));
    }

    [Fact]
    public void A_record_that_is_none_is_told()
    {
        Run(".old");
        File.WriteAllText(At("a", ".qkvmigrate-backups"), """{"schemaVersion":1,"backups":[null,{"name":"../b/lit_model.pth","bytes":1,"ends":""}]}""");
        Assert.Equal(3, Run(null, request => request with { DryRun = true }).Count);

        foreach (var nonsense in new[] { "{}", "[]", "null", "\"x", """{"schemaVersion":9,"backups":[]}""" })
        {
            File.WriteAllText(At("a", ".qkvmigrate-backups"), nonsense);
            var refused = Assert.Single(Run(null), report => report.Error is not null);
            Assert.Equal((FailureKind.Malformed, At("a", ".qkvmigrate-backups")), (refused.Error!.Kind, refused.Error.File));
        }
    }

    private static string Statuses(IEnumerable<CheckpointReport> reports) => string.Join(' ', reports.Select(report => report.Status)).ToLowerInvariant();

    private IReadOnlyList<CheckpointReport> Run(string? suffix, Func<MigrationRequest, MigrationRequest>? change = null)
    {
        var request = new MigrationRequest { Path = At(), InPlace = true, BackupSuffix = suffix, Direction = MigrationDirection.Upgrade, Engine = () => engine };
        return Migrator.Run([change?.Invoke(request) ?? request], new BatchOptions(), TestContext.Current.CancellationToken);
    }

    private string At(params string[] names) => Path.TrimEndingDirectorySeparator(Path.Combine([folder.Path, "tree", .. names]));
}
