using System.Runtime.InteropServices;
using CsCheck;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
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
    }

    private static VerifiedPair Upgrade(StateDict model, bool isBefore16) => new(Bytes(model, isBefore16), SharedModel.Geometry);

    private static byte[] Bytes(StateDict model, bool isBefore16) => isBefore16 ? model.ToFileBefore16() : model.ToFile();
}
