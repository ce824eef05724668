using QkvMigrate.Checkpoints;
using QkvMigrate.Geometry;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Planning.Stages;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Pickles;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Tests.Planning.Lora;
using Xunit;

namespace QkvMigrate.Tests.Running;

/// <summary>A checkpoint's way ends at the first stage that cannot be reached, and the report has what is known there and no more.</summary>
public sealed class CheckpointPlanningTests : IDisposable
{
    private static readonly GeometryFlags Flags = new(LegacyModel.Geometry.HeadCount, LegacyModel.Geometry.QueryGroupCount, LegacyModel.Geometry.HeadSize);

    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_that_is_none_ends_where_it_is_named()
    {
        var request = Request(_folder.Write("lit_model.pth", "no checkpoint"));
        using var stage = Plan(request);
        var refused = Assert.IsType<RefusedCheckpoint>(stage);
        Assert.IsType<NamedCheckpoint>(refused.Reached);
        var report = refused.Report();
        Assert.Equal((CheckpointStatus.Refused, request.Path, null, 0, 0L), (report.Status, report.Path, report.Format, report.TensorCount, report.SourceBytes));
        Assert.Equal(request.Path, report.Error?.File);
    }

    [Fact]
    public void A_pickle_that_can_run_code_ends_where_the_file_is_open()
    {
        var pickle = PickleCode.Bytes("\u0080\u0002cos\nsystem\n.");
        var path = _folder.At("lit_model.pth");
        File.WriteAllBytes(path, TorchFile.Write([("archive/data.pkl", pickle), ("archive/version", "3\n"u8.ToArray())]));
        using var stage = Plan(Request(path));
        var refused = Assert.IsType<RefusedCheckpoint>(stage);
        Assert.IsType<OpenedCheckpoint>(refused.Reached);
        var report = refused.Report();
        Assert.Equal(FailureKind.Unsafe, report.Error?.Kind);
        Assert.Equal((CheckpointFormat.TorchZip, new FileInfo(path).Length), (report.Format, report.SourceBytes));
        Assert.Equal(["os.system"], report.Globals.Select(use => use.Name));
        Assert.Null(report.Plan);
    }

    [Fact]
    public void Names_of_both_ages_end_where_the_file_is_open()
    {
        using var stage = Plan(Request(Write(["transformer.h.0.attn.attn.weight", "transformer.h.1.attn.qkv.weight"])));
        var refused = Assert.IsType<RefusedCheckpoint>(stage);
        Assert.IsType<OpenedCheckpoint>(refused.Reached);
        Assert.Equal((FailureKind.Conflict, 2), (refused.Error.Kind, refused.Report().TensorCount));
    }

    [Fact]
    public void A_geometry_that_is_missing_ends_where_the_names_are_known()
    {
        using var stage = Plan(Request(Write(["transformer.h.0.attn.attn.weight"])) with { Geometry = new GeometryFlags() });
        var refused = Assert.IsType<RefusedCheckpoint>(stage);
        var scanned = Assert.IsType<ScannedCheckpoint>(refused.Reached);
        Assert.Equal(["transformer.h.0.attn.attn.weight"], scanned.Scan.Fused.Select(fused => fused.Tensor.Label));
        var report = refused.Report();
        Assert.Equal((FailureKind.Geometry, null, null), (report.Error?.Kind, report.Layout, report.Plan));
    }

    [Fact]
    public void Weights_that_speak_against_the_geometry_end_where_all_is_planned()
    {
        var path = Repository.At("samples", "tiny-licenses-gqa", "lit_model.pth");
        var request = Request(path) with { Geometry = new GeometryFlags(16, 4, 8), StrictEvidence = true };
        using var stage = Plan(request);
        var refused = Assert.IsType<RefusedCheckpoint>(stage);
        var planned = Assert.IsType<PlannedCheckpoint>(refused.Reached);
        var report = refused.Report();
        Assert.Equal((CheckpointStatus.Refused, FailureKind.Geometry), (report.Status, report.Error?.Kind));
        Assert.Same(planned.Plan, report.Plan);
        Assert.Equal(8, report.Geometry?.HeadSize);
    }

    [Fact]
    public void A_plan_is_no_result_until_it_is_written()
    {
        using var stage = Plan(Request(Write(["transformer.h.0.attn.attn.weight"])));
        var planned = Assert.IsType<PlannedCheckpoint>(stage);
        Assert.Equal((CheckpointStatus.Planned, null), (planned.Report().Status, planned.Report().Output));
        var written = new WrittenCheckpoint(planned, "new.pth", new WrittenDigests("one", "two")).Report();
        Assert.Equal((CheckpointStatus.Upgraded, "new.pth"), (written.Status, written.Output));
        Assert.Equal(("one", "two"), (written.SourceSha256, written.OutputSha256));
        Assert.Same(planned.Plan, written.Plan);
    }

    [Fact]
    public void A_file_with_nothing_to_do_is_planned_and_unchanged()
    {
        using var stage = Plan(Request(Write(["transformer.h.0.attn.qkv.weight"])));
        var planned = Assert.IsType<PlannedCheckpoint>(stage);
        Assert.Null(planned.Plan.Rewrite);
        Assert.Equal(CheckpointStatus.Unchanged, planned.Report().Status);
    }

    [Fact]
    public void A_LoRA_without_its_base_ends_where_the_base_is_named()
    {
        using var stage = Plan(Merge(_folder.At("nowhere.pth")));
        var refused = Assert.IsType<RefusedCheckpoint>(stage);
        var named = Assert.IsType<NamedCheckpoint>(refused.Reached);
        Assert.False(named.Adapter?.HoldsBase);
        Assert.Equal((FailureKind.Io, null), (refused.Error.Kind, refused.Report().Format));
    }

    [Fact]
    public void The_files_of_a_whole_way_are_closed_with_its_last_stage()
    {
        TorchFile.Save(_folder.At("base.pth"), StoredTensor.Floats("lm_head.weight", 6, 4));
        var stage = Plan(Merge(_folder.At("base.pth")));
        var opened = stage.Find<OpenedCheckpoint>()!;
        var files = new[] { opened.Checkpoint, opened.Named.Adapter!.Checkpoint }.Select(checkpoint => checkpoint.Source).ToList();
        Assert.All(files, file => Assert.False(file.Handle.IsClosed), throwIfEmpty: true);
        stage.Dispose();
        Assert.All(files, file => Assert.True(file.Handle.IsClosed), throwIfEmpty: true);
    }

    /// <summary>A model of fused matrices under the given names.</summary>
    private string Write(IReadOnlyList<string> names)
    {
        var path = _folder.At("lit_model.pth");
        TorchFile.Save(path, [.. names.Select(name => StoredTensor.Floats(name, LegacyModel.Geometry.FusedRows, 3))]);
        return path;
    }

    /// <summary>The merge of a LoRA of one layer.</summary>
    private MigrationRequest Merge(string model)
    {
        const string Layer = "lm_head";
        var lora = _folder.At("lit_model.pth.lora");
        TorchFile.Save(lora, StoredTensor.Floats($"{Layer}.lora_A", 2, 4), StoredTensor.Floats($"{Layer}.lora_B", 6, 2));
        return Request(lora) with
        {
            Lora = new LoraOptions(LoraTreatment.Merge) { Base = model, Alpha = 16 },
            LowRankUpdater = () => new PlainUpdater(),
        };
    }

    private static MigrationRequest Request(string path) => new()
    {
        Path = path,
        Direction = MigrationDirection.Upgrade,
        Geometry = Flags,
        Engine = () => new StreamReorderEngine(),
    };

    private static CheckpointStage Plan(MigrationRequest request) => new CheckpointPlanning(request).Plan(request.Path, []);
}
