using System.Text;
using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>A model in two safetensors files with an index; the projection, which says how wide q is, stands in the other file.</summary>
public sealed class ShardVerificationTests : IDisposable
{
    private const string Index = "model.safetensors.index.json";
    private const string First = "model-00001-of-00002.safetensors";
    private const string Second = "model-00002-of-00002.safetensors";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-shards-");
    private readonly GeometryFlags geometry = new(HeadCount: 4);

    public ShardVerificationTests()
    {
        Directory.CreateDirectory(Original);
        File.WriteAllBytes(Path.Combine(Original, First), new StateDict([new("transformer.h.0.attn.attn.weight", 0, [32, 3], [3, 1])], [96]).ToSafetensors());
        File.WriteAllBytes(Path.Combine(Original, Second), new StateDict([new("transformer.h.0.attn.proj.weight", 0, [3, 16], [16, 1])], [48]).ToSafetensors());
        File.WriteAllText(
            Path.Combine(Original, Index),
            $$$"""{"metadata": {"total_size": 576}, "weight_map": {"transformer.h.0.attn.attn.weight": "{{{First}}}", "transformer.h.0.attn.proj.weight": "{{{Second}}}"}}""" + "\n");
        var engine = new StreamReorderEngine();
        var request = new MigrationRequest { Path = Original, Output = Upgraded, Direction = MigrationDirection.Upgrade, Geometry = geometry, Engine = () => engine };
        Assert.All(Migrator.Run(request, TestContext.Current.CancellationToken), report => Assert.Null(report.Error), throwIfEmpty: true);
    }

    private string Original => Path.Combine(folder.FullName, "model");

    private string Upgraded => Path.Combine(folder.FullName, "model-qkv");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Shards_and_index_are_verified()
    {
        var reports = Verify();

        Assert.Equal(2, reports.Count);
        Assert.All(reports, report => Assert.Empty(report.Differences), throwIfEmpty: true);
        Assert.Equal((LegacyModel.Geometry, null), (reports[0].Geometry, reports[1].Geometry));
    }

    [Theory]
    [InlineData("attn.qkv", "attn.attn", "file 'model.safetensors.index.json' at byte 49: the name 'transformer.h.0.attn.attn.weight', expected 'transformer.h.0.attn.qkv.weight'")]
    [InlineData("576", "577", "file 'model.safetensors.index.json' at byte 28: another value under 'total_size'")]
    [InlineData("}}\n", "}}\n\n", "file 'model.safetensors.index.json' at byte 192: other bytes behind its text")]
    [InlineData("}}\n", "}", "file 'model.safetensors.index.json': it is no JSON")]
    public void An_index_that_does_not_follow_is_named(string text, string edited, string expected)
    {
        var path = Path.Combine(Upgraded, Index);
        File.WriteAllText(path, File.ReadAllText(path).Replace(text, edited, StringComparison.Ordinal));

        Assert.Equal(expected, Assert.Single(Verify()[^1].Differences).ToString());
    }

    [Theory]
    [InlineData(200, "\n")]
    [InlineData(100_000, " \t")]
    [InlineData(1, "\0")]
    [InlineData(5000, "{\"hidden\": 1}")]
    [InlineData(1, "\u00ff")]
    public void A_tail_behind_an_index_is_named_however_long(int times, string piece)
    {
        foreach (var tail in new[] { "", "\n" })
        {
            // The first index may have no bytes behind its text at all.
            File.WriteAllText(Path.Combine(Original, Index), File.ReadAllText(Path.Combine(Original, Index)).TrimEnd('\n') + tail);
            var path = Path.Combine(Upgraded, Index);
            var text = File.ReadAllText(path);
            File.WriteAllBytes(path, [.. Encoding.ASCII.GetBytes(text.TrimEnd('\n') + tail), .. Enumerable.Repeat(Encoding.Latin1.GetBytes(piece), times).SelectMany(bytes => bytes)]);

            Assert.EndsWith("other bytes behind its text", Assert.Single(Verify()[^1].Differences).ToString(), StringComparison.Ordinal);
            File.WriteAllText(path, text);
        }
    }

    [Fact]
    public void A_tail_behind_the_first_index_must_stay()
    {
        var path = Path.Combine(Original, Index);
        File.WriteAllText(path, File.ReadAllText(path) + new string(' ', 3000));

        Assert.EndsWith("other bytes behind its text", Assert.Single(Verify()[^1].Differences).ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("attn.qkv", "\\u0061ttn.qkv")]
    [InlineData("attn.qkv", "attn.q\\u006bv")]
    [InlineData("\"transformer.h.0.attn.proj", "\"transformer.h\\u002e0.attn.proj")]
    public void A_name_is_not_written_with_other_escapes(string text, string edited)
    {
        var path = Path.Combine(Upgraded, Index);
        File.WriteAllText(path, File.ReadAllText(path).Replace(text, edited, StringComparison.Ordinal));

        Assert.Contains("the name 'transformer.h.0.attn.", Assert.Single(Verify()[^1].Differences).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Shards_that_the_index_does_not_describe_are_refused()
    {
        File.Delete(Path.Combine(Original, Second));

        var error = Assert.Single(Verify(), report => report.Error is not null).Error!;

        Assert.Equal($"the shard {Second} is not there", error.Problem);
    }

    [Fact]
    public void A_tensor_under_both_names_in_the_index_is_refused()
    {
        const string legacy = "transformer.h.0.attn.attn.weight";
        const string upgraded = "transformer.h.0.attn.qkv.weight";
        var path = Path.Combine(Original, Index);
        File.WriteAllText(path, File.ReadAllText(path).Replace($"\"{legacy}\":", $"\"{legacy}\": \"{First}\", \"{upgraded}\":", StringComparison.Ordinal));

        var error = Assert.Single(Verify(), report => report.Error is not null).Error!;

        Assert.Equal(
            (FailureKind.Conflict, $"'{upgraded}' stands there under its legacy and under its upgraded name", path),
            (error.Kind, error.Problem, error.File));
    }

    private IReadOnlyList<VerificationReport> Verify() =>
        PathVerifier.Run(Original, Upgraded, new VerificationOptions { Geometry = geometry }, TestContext.Current.CancellationToken);
}
