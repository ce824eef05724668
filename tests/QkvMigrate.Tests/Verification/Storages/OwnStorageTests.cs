using System.Runtime.InteropServices;
using CsCheck;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Verification;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Tests.Verification.Storages;

/// <summary>Upgrades of tensors that share storages: what they load, and that the verifier proves them and nothing else.</summary>
public sealed class OwnStorageTests
{
    private const string Probe = "probe";

    public static TheoryData<bool> Formats => [false, true];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Random_views_of_shared_buffers_are_upgraded_and_proven(bool isBefore16) => SharedModel.Models.Sample(
        model =>
        {
            using var pair = Upgrade(model, isBefore16);
            Assert.Equal(SharedModel.Upgraded(model), SharedModel.Load(pair.UpgradedPath));
            SharedModel.CheckSharing(model, pair.UpgradedPath);
            Assert.Empty(pair.Verify().Differences);
            Assert.Empty(pair.Verify(VerificationMode.Quick).Differences);
        },
        iter: 60,
        threads: 1);

    [Theory]
    [MemberData(nameof(Formats))]
    public void The_way_back_of_a_storage_of_its_own_is_proven(bool isBefore16)
    {
        using var pair = Upgrade(SharedModel.WithProbe, isBefore16);
        using var back = new VerifiedPair(pair.Upgraded, SharedModel.Geometry, direction: MigrationDirection.Downgrade);
        Assert.Empty(back.Verify().Differences);
        Assert.Equal(SharedModel.Load(pair.OriginalPath), SharedModel.Load(back.UpgradedPath));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Only_what_shares_a_byte_leaves_its_storage(bool isBefore16)
    {
        using var pair = Upgrade(SharedModel.WithProbe, isBefore16);
        using var upgraded = Checkpoint.Open(pair.UpgradedPath);
        var first = isBefore16 ? 4 : 6;
        Assert.Equal(
            ["0", $"{first}", "1", "0", $"{first + 1}", $"{first + 2}", $"{first}", "3", "3"],
            upgraded.Tensors.Select(tensor => tensor.Storage.Key));
        Assert.Contains(
            pair.Verify().Covered,
            line => line is { Subject: "storages of their own", Statement: "3, each of a tensor that shared bytes with what must not move, and 1 that are used no more" });
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Rows_that_moved_under_a_tensor_that_must_not_are_named(bool isBefore16)
    {
        // The names are right, and so would the rows be, if no other tensor looked at them.
        var model = SharedModel.WithProbe with { Tensors = [.. SharedModel.WithProbe.Tensors.Where(tensor => tensor.Storage != 2)] };
        using var renamed = new VerifiedPair(Bytes(model, isBefore16), new AttentionGeometry(6, 1, 4));
        var bytes = renamed.Upgraded.ToArray();
        using (var upgraded = Checkpoint.Open(renamed.UpgradedPath))
        {
            var start = (int)upgraded.Tensors.Single(tensor => tensor.Label == Probe).Storage.Offset;
            foreach (var (target, source) in SharedModel.Order().Index())
            {
                renamed.Upgraded.AsSpan(start + (source * 32), 32).CopyTo(bytes.AsSpan(start + (target * 32)));
            }
        }

        if (!isBefore16)
        {
            var entry = ZipSurgery.Find(bytes, "archive/data/0");
            bytes = ZipSurgery.Edit(renamed.Upgraded, entry, storage => bytes.AsSpan(entry.Start, entry.Length).CopyTo(storage));
        }

        using var pair = Upgrade(model, isBefore16);
        var report = pair.Verify(bytes);
        Assert.Contains(
            new Difference(
                "tensor 'transformer.h.0.attn.attn.weight'",
                "it shares bytes with tensor 'probe', which must not move with it: expected in a storage of its own, found in storage 0, which is none"),
            report.Differences);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void With_one_query_group_nothing_moves_whatever_shares_a_byte(bool isBefore16)
    {
        using var pair = new VerifiedPair(Bytes(SharedModel.WithProbe, isBefore16), new AttentionGeometry(6, 1, 4));
        Assert.Empty(pair.Verify().Differences);
        Assert.Equal(SharedModel.Load(pair.OriginalPath), SharedModel.Load(pair.UpgradedPath));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void A_tensor_that_is_written_in_a_list_and_fetched_for_the_model_is_copied_for_what_must_not_move(int protocol)
    {
        var weight = Tensor(Storage(Text("0"), 32 * 2), 0, [32, 2], [2, 1]) + "q\u0001";
        var root = Dict(("tensors", List(weight)), ("snapshot", Dict(("first", "h\u0001"))), ("model", Dict((LegacyModel.Weight, "h\u0001"))));
        var pickle = Pickle(root);
        pickle[1] = (byte)protocol;
        var values = Enumerable.Range(0, 32 * 2).Select(value => (float)value).ToArray();
        using var pair = new VerifiedPair(
            TorchFile.Write([("archive/data.pkl", pickle), ("archive/data/0", MemoryMarshal.AsBytes(values.AsSpan()).ToArray()), ("archive/version", "3\n"u8.ToArray())]),
            SharedModel.Geometry);
        Assert.Empty(pair.Verify().Differences);
        float[] moved = [.. SharedModel.Order().SelectMany(row => new[] { values[2 * row], values[(2 * row) + 1] })];
        Assert.Equal([moved, values, moved], SharedModel.Load(pair.UpgradedPath));
        using var upgraded = Checkpoint.Open(pair.UpgradedPath);
        Assert.Equal(["3", "0", "3"], upgraded.Tensors.Select(tensor => tensor.Storage.Key));
    }

    [Fact]
    public void A_column_of_a_fused_matrix_is_no_copy_of_its_bias()
    {
        var weight = Tensor(Storage(Text("0"), 32 * 2), 0, [32, 2], [2, 1]);
        var bias = Tensor(Storage(Text("1"), 32), 0, [32], [1]);
        var column = Tensor(Storage(Text("0"), 32 * 2), 1, [32], [2]);
        var root = Dict(("watched", List(column)), ("model", Dict((LegacyModel.Weight, weight), ("transformer.h.0.attn.attn.bias", bias))));
        var values = Enumerable.Range(0, 32 * 3).Select(value => (float)value).ToArray();
        var bytes = MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
        using var pair = new VerifiedPair(
            TorchFile.Write([("archive/data.pkl", Pickle(root)), ("archive/data/0", bytes[..256]), ("archive/data/1", bytes[256..]), ("archive/version", "3\n"u8.ToArray())]),
            SharedModel.Geometry);
        Assert.Empty(pair.Verify().Differences);
        Assert.Equal(Enumerable.Range(0, 32).Select(row => values[(2 * row) + 1]), SharedModel.Load(pair.UpgradedPath)[0]);

        // The matrix has a storage of its own then, and nothing says any more whose column it is.
        var error = VerifiedPair.Refusal(pair.UpgradedPath, SharedModel.Geometry, MigrationDirection.Downgrade);
        Assert.Equal(
            "it has the shape (32) of fused tensors and no name, and strides (2) that no copy of one has: it may be a view of something else; "
            + "save the file without 'watched', or with the parameters' names as keys",
            error.Problem);
    }

    /// <summary>Square, so that a matrix on its side has the same shape; the parameter's columns lie one behind the other, with gaps.</summary>
    [Theory]
    [InlineData(32, 1, true)]
    [InlineData(1, 32, true)]
    [InlineData(1, 36, true)]
    [InlineData(36, 1, false)]
    [InlineData(33, 1, false)]
    [InlineData(2, 64, false)]
    [InlineData(0, 1, false)]
    [InlineData(1, 1, false)]
    public void A_copy_lies_as_its_parameter_or_has_no_gaps(int rowStride, int stride, bool isCopy)
    {
        TestTensor copy = new("saved.0", 2, [32, 32], [rowStride, stride]);
        StateDict Model(string key) => new([new(key, 0, [32, 32], [1, 36]), new("transformer.h.0.norm_1.weight", 1, [5], [1]), copy], [36 * 32, 5, (31 * (rowStride + stride)) + 1]);
        var model = Model("transformer.h.0.attn.attn.weight").ToFile();
        if (isCopy)
        {
            using var pair = new VerifiedPair(model, SharedModel.Geometry);
            Assert.Empty(pair.Verify().Differences);
            return;
        }

        using var folder = new WorkFolder();
        File.WriteAllBytes(folder.At("original.pth"), model);
        File.WriteAllBytes(folder.At("upgraded.pth"), Model("transformer.h.0.attn.qkv.weight").ToFile());
        var problem = VerifiedPair.Refusal(folder.At("original.pth"), SharedModel.Geometry).Problem;
        Assert.StartsWith($"it has the shape (32, 32) of fused tensors and no name, and strides ({rowStride}, {stride}) that no copy of one has", problem, StringComparison.Ordinal);
        var report = KnownGeometry.Verify(folder.At("original.pth"), folder.At("upgraded.pth"), SharedModel.Geometry, VerificationMode.Full, TestContext.Current.CancellationToken);
        Assert.Contains(
            new Difference("tensor 'saved.0'", "it has the shape of a fused tensor and no name, and which parameter it is a copy of cannot be told, so it is not verified"),
            report.Differences);
    }

    [Fact]
    public void A_matrix_on_its_side_is_no_copy_of_one_whose_rows_lie_one_behind_the_other()
    {
        var model = new StateDict([new("transformer.h.0.attn.attn.weight", 0, [32, 32], [32, 1]), new("saved.0", 1, [32, 32], [1, 32])], [1024, 1024]);
        using var folder = new WorkFolder();
        File.WriteAllBytes(folder.At("original.pth"), model.ToFile());
        Assert.Contains("strides (1, 32) that no copy of one has", VerifiedPair.Refusal(folder.At("original.pth"), SharedModel.Geometry).Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 33, false)]
    [InlineData(1, 33, false)]
    [InlineData(0, 32, true)]
    public void A_copy_is_no_part_of_a_storage_whose_rest_nothing_looks_at(int offset, int size, bool isCopy)
    {
        StateDict Model(string name) => new(
            [new($"transformer.h.0.attn.{name}.bias", 0, [32], [1]), new("transformer.h.0.norm_1.weight", 2, [5], [1]), new("saved.0", 1, [32], [1], Offset: offset)],
            [32, size, 5]);
        using var folder = new WorkFolder();
        var (original, upgraded) = (folder.At("original.pth"), folder.At("upgraded.pth"));
        File.WriteAllBytes(original, Model("attn").ToFile());
        if (isCopy)
        {
            VerifiedPair.Migrate(original, upgraded, SharedModel.Geometry, MigrationDirection.Upgrade);
        }
        else
        {
            Assert.Equal(
                $"it has the shape (32) of fused tensors and no name, and 128 of the {4 * size} bytes of a storage that no other tensor looks into: "
                + "it may be a view of something else; save the file without 'saved', or with the parameters' names as keys",
                VerifiedPair.Refusal(original, SharedModel.Geometry).Problem);
            File.WriteAllBytes(upgraded, Model("qkv").ToFile());
        }

        var report = KnownGeometry.Verify(original, upgraded, SharedModel.Geometry, VerificationMode.Full, TestContext.Current.CancellationToken);
        Assert.Equal(isCopy ? [] : ["tensor 'saved.0'"], report.Differences.Select(difference => difference.Place).Where(place => isCopy || place.Contains("saved", StringComparison.Ordinal)));
    }

    private static VerifiedPair Upgrade(StateDict model, bool isBefore16) => new(Bytes(model, isBefore16), SharedModel.Geometry);

    private static byte[] Bytes(StateDict model, bool isBefore16) => isBefore16 ? model.ToFileBefore16() : model.ToFile();
}
