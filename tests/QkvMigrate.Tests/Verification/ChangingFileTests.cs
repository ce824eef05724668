using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>Somebody writes while a verification runs: at the barrier where all is noted and nothing is read yet. What was proven then is proven of no file.</summary>
public sealed class ChangingFileTests : IDisposable
{
    private const string Index = "model.safetensors.index.json";
    private const string Shard = "model-00001-of-00001.safetensors";
    private const string Configuration = "name: x\nn_embd: 16\nn_head: 4\nn_query_groups: 2\n";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-changing-");

    public ChangingFileTests()
    {
        Make("model", directory => File.WriteAllBytes(Path.Combine(directory, "lit_model.pth"), LegacyModel.Legacy.ToFile()));
        Make("shards", directory =>
        {
            File.WriteAllBytes(Path.Combine(directory, Shard), new StateDict([new("transformer.h.0.attn.attn.weight", 0, [32, 3], [3, 1])], [96]).ToSafetensors());
            File.WriteAllText(Path.Combine(directory, Index), $$$"""{"weight_map": {"transformer.h.0.attn.attn.weight": "{{{Shard}}}"}}""");
        });
        var engine = new StreamReorderEngine();
        var request = new MigrationRequest { Path = At("before"), Output = At("after"), Direction = MigrationDirection.Upgrade, Geometry = new GeometryFlags(HeadSize: 4), Engine = () => engine };
        Assert.All(Migrator.Run(request, TestContext.Current.CancellationToken), report => Assert.Null(report.Error), throwIfEmpty: true);
        Assert.All(Verify("before", "after", null), report => Assert.True(report.IsVerified), throwIfEmpty: true);
    }

    /// <summary>What is verified, and the file that is touched meanwhile.</summary>
    public static TheoryData<string, string> Touched => new()
    {
        { "model/lit_model.pth", "before/model/lit_model.pth" },
        { "model/lit_model.pth", "after/model/lit_model.pth" },
        { "model/lit_model.pth", "before/model/model_config.yaml" },
        { "model", "before/model/lit_model.pth" },
        { "model", "after/model/lit_model.pth" },
        { "model", "before/model/model_config.yaml" },
        { "model", "after/model/model_config.yaml" },
        { "model", "after/model/tokenizer.json" },
        { "shards", $"before/shards/{Shard}" },
        { "shards", $"after/shards/{Shard}" },
        { "shards", $"after/shards/{Index}" },
        { "", "before/model/lit_model.pth" },
        { "", "after/model/lit_model.pth" },
        { "", $"after/shards/{Shard}" },
        { "", $"before/shards/{Index}" },
        { "", "after/shards/tokenizer.json" },
    };

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Touched))]
    public void A_file_that_is_written_to_is_refused_by_name(string path, string touched) =>
        Refused(path, touched, "it was changed (", file =>
        {
            // The same bytes: what counts is that somebody wrote.
            File.WriteAllBytes(file, File.ReadAllBytes(file));
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddMinutes(1));
        });

    [Theory]
    [MemberData(nameof(Touched))]
    public void A_file_that_another_takes_the_place_of_is_refused_by_name(string path, string touched) =>
        Refused(path, touched, "something else was put in its place", file =>
        {
            File.Copy(file, At("copy"));
            File.Move(At("copy"), file, overwrite: true);
        });

    [Theory]
    [InlineData("", "after/model")]
    [InlineData("", "before/shards")]
    [InlineData("model", "after/model")]
    public void A_file_that_comes_is_noticed_by_its_directory(string path, string directory) =>
        Refused(path, directory, "files came or went in it", place =>
        {
            File.WriteAllText(Path.Combine(place, "new"), "new");
            File.Delete(Path.Combine(place, "new"));
        });

    [Fact]
    public void One_checkpoint_that_changes_does_not_take_the_others_along()
    {
        var reports = Verify("before", "after", paths => TouchOnce(paths, At("after", "model", "lit_model.pth"), file => File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddMinutes(1))));

        Assert.Equal([(false, false), (true, false), (true, true)], reports.Select(report => (report.IsVerified, report.IsOfTree)));
        Assert.All(reports.Skip(1), report => Assert.Null(report.Error), throwIfEmpty: true);
    }

    private void Refused(string path, string touched, string problem, Action<string> touch)
    {
        var (target, isDone) = (At(touched), false);
        var reports = Verify(Path.Combine("before", path).TrimEnd('/'), Path.Combine("after", path).TrimEnd('/'), paths =>
        {
            if (!isDone && paths.Contains(target))
            {
                isDone = true;
                touch(target);
            }
        });

        Assert.True(isDone);
        var error = Assert.Single(reports, report => report.Error is not null).Error!;
        Assert.Equal((FailureKind.Io, target), (error.Kind, error.File));
        Assert.StartsWith(problem, error.Problem, StringComparison.Ordinal);
        Assert.EndsWith("so nothing is proven; verify again when nobody writes there", error.Problem, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    private static void TouchOnce(IReadOnlyList<string> paths, string target, Action<string> touch)
    {
        if (paths.Contains(target))
        {
            touch(target);
        }
    }

    private IReadOnlyList<VerificationReport> Verify(string original, string upgraded, Action<IReadOnlyList<string>>? watching) => PathVerifier.Run(
        At(original),
        At(upgraded),
        new VerificationOptions { Geometry = new GeometryFlags(HeadSize: 4), Watching = watching },
        TestContext.Current.CancellationToken);

    private void Make(string model, Action<string> write)
    {
        var directory = Directory.CreateDirectory(At("before", model)).FullName;
        File.WriteAllText(Path.Combine(directory, "model_config.yaml"), Configuration);
        File.WriteAllText(Path.Combine(directory, "tokenizer.json"), "{}");
        write(directory);
    }

    private string At(params string[] names) => Path.Combine([folder.FullName, .. names]);
}
