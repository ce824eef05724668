using QkvMigrate.Attention;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

public sealed class CheckpointVerifierTests : IDisposable
{
    private const int RowBytes = 5 * sizeof(float);
    private const int HeadBytes = 4 * RowBytes;

    private readonly VerifiedPair pair = new(LegacyModel.Legacy.ToFile(), LegacyModel.Geometry);

    public void Dispose() => pair.Dispose();

    [Fact]
    public void A_right_upgrade_is_verified_with_every_byte_compared()
    {
        var report = pair.Verify();

        Assert.Empty(report.Differences);
        Assert.True(report.IsVerified);
        Assert.Equal(MigrationDirection.Upgrade, report.Direction);
        Assert.Equal(LegacyModel.Geometry, report.Geometry);

        // The tied weight of layer 2 is layer 0's, and moved once.
        Assert.Equal((7, 4, 5), (report.Coverage.Tensors, report.Coverage.MovedTensors, report.Coverage.RenamedNames));
        Assert.Equal((8, 8, 8), (report.Coverage.Regions, report.Coverage.Checksums, report.Coverage.StoredChecksums));
        Assert.Equal(report.Coverage.TotalBytes, report.Coverage.ComparedBytes);
    }

    [Fact]
    public void A_right_downgrade_is_verified()
    {
        using var back = new VerifiedPair(pair.Upgraded, LegacyModel.Geometry, direction: MigrationDirection.Downgrade);

        var report = back.Verify();

        Assert.Empty(report.Differences);
        Assert.Equal(MigrationDirection.Downgrade, report.Direction);
    }

    [Fact]
    public void A_copy_of_an_upgraded_file_is_verified_as_unchanged()
    {
        File.WriteAllBytes(pair.OriginalPath, pair.Upgraded);

        var report = pair.Verify();

        Assert.True(report.IsVerified);
        Assert.Null(report.Direction);
    }

    [Fact]
    public void A_copy_of_a_legacy_file_is_no_upgrade()
    {
        var report = pair.Verify(File.ReadAllBytes(pair.OriginalPath));

        Assert.Equal($"tensor '{LegacyModel.Weight}': '{LegacyModel.Weight}' stands in its place, expected the name 'transformer.h.0.attn.qkv.weight'", report.Differences[0].ToString());
    }

    [Fact]
    public void One_bit_in_a_moved_tensor_is_named_with_row_head_and_group()
    {
        // Row 21 of the sequential layout: 4 heads of q, 4 rows each, then k: head 1 of k is group 1's.
        var entry = ZipSurgery.Find(pair.Upgraded, "data/1");
        var report = pair.Verify(ZipSurgery.Edit(pair.Upgraded, entry, bytes => bytes[(21 * RowBytes) + 6] ^= 0x10));

        var difference = Assert.Single(report.Differences);
        Assert.Equal($"tensor '{LegacyModel.Weight}'", difference.Place);
        Assert.Equal((21L, QkvSection.Key, 1, 1), (difference.Row, difference.Section, difference.Head, difference.QueryGroup));
        Assert.Equal(entry.Start + (21 * RowBytes) + 6, difference.Offset);
        Assert.Equal("the bytes are not those of row 25 of the first file", difference.Problem);
    }

    [Fact]
    public void One_bit_in_an_untouched_tensor_is_named_with_its_row()
    {
        var entry = ZipSurgery.Find(pair.Upgraded, "data/0");
        var report = pair.Verify(ZipSurgery.Edit(pair.Upgraded, entry, bytes => bytes[(3 * RowBytes) + 1] ^= 0x01));

        Assert.Equal(
            $"tensor '{LegacyModel.Untouched}' row 3 at byte {entry.Start + (3 * RowBytes) + 1}: the bytes are not the first file's",
            Assert.Single(report.Differences).ToString());
    }

    [Fact]
    public void One_bit_of_a_storage_that_no_tensor_looks_at_is_a_difference()
    {
        var entry = ZipSurgery.Find(pair.Upgraded, "data/4");
        var report = pair.Verify(ZipSurgery.Edit(pair.Upgraded, entry, bytes => bytes[^1] ^= 0x80));

        Assert.Equal(
            $"zip entry 'archive/data/4' at byte {entry.Start + entry.Length - 1}: the bytes are not the first file's, and belong to no tensor",
            Assert.Single(report.Differences).ToString());
    }

    [Fact]
    public void Two_swapped_heads_are_named()
    {
        var report = pair.Verify(Swapped(0, 2));

        Assert.Equal(8, report.DifferenceCount);
        Assert.Equal((0L, QkvSection.Query, 0, 0), Where(report.Differences[0]));
        Assert.Equal((8L, QkvSection.Query, 2, 1), Where(report.Differences[4]));
    }

    [Fact]
    public void Swapped_k_and_v_are_named()
    {
        var report = pair.Verify(Swapped(4, 6));

        Assert.Equal((16L, QkvSection.Key, 0, 0), Where(report.Differences[0]));
        Assert.Equal((24L, QkvSection.Value, 0, 0), Where(report.Differences[4]));
    }

    [Fact]
    public void An_order_made_with_another_geometry_of_the_same_rows_is_named()
    {
        using var other = new VerifiedPair(LegacyModel.Legacy.ToFile(), LegacyModel.Geometry, writtenWith: LegacyModel.OtherGeometry);

        var report = other.Verify();

        Assert.Equal(DifferenceLimit, report.Differences.Count);
        Assert.True(report.DifferenceCount > DifferenceLimit);
        Assert.Equal($"tensor '{LegacyModel.Weight}'", report.Differences[0].Place);
        Assert.Equal((4L, QkvSection.Query, 1, 0), Where(report.Differences[0]));
    }

    [Fact]
    public void A_geometry_that_does_not_fit_the_rows_is_a_difference()
    {
        var report = KnownGeometry.Verify(pair.OriginalPath, pair.UpgradedPath, new AttentionGeometry(4, 4, 4), VerificationMode.Full, TestContext.Current.CancellationToken);

        Assert.Equal($"tensor '{LegacyModel.Weight}': it has 32 rows, n_head=4 n_query_groups=4 head_size=4 takes 48", report.Differences[0].ToString());
    }

    [Fact]
    public void A_missing_key_is_named()
    {
        var tensors = LegacyModel.Legacy.Tensors.ToList();
        tensors.RemoveAt(tensors.Count - 1);
        using var shorter = new VerifiedPair((LegacyModel.Legacy with { Tensors = tensors }).ToFile(), LegacyModel.Geometry);

        var report = pair.Verify(shorter.Upgraded);

        Assert.Equal("tensor 'lm_head.weight': it is not in the second file, or those before it have taken its place", report.Differences[0].ToString());
    }

    [Fact]
    public void Two_swapped_keys_are_named()
    {
        var tensors = LegacyModel.Legacy.Tensors.ToList();
        (tensors[1], tensors[5]) = (tensors[1] with { Key = tensors[5].Key }, tensors[5] with { Key = tensors[1].Key });
        using var swapped = new VerifiedPair((LegacyModel.Legacy with { Tensors = tensors }).ToFile(), LegacyModel.Geometry);

        var report = pair.Verify(swapped.Upgraded);

        Assert.Equal(
            $"tensor '{LegacyModel.Weight}': 'transformer.h.2.attn.qkv.weight' stands in its place, expected the name 'transformer.h.0.attn.qkv.weight'",
            report.Differences[0].ToString());
    }

    [Fact]
    public void A_changed_stride_is_named()
    {
        var report = VerifyOther(0, tensor => tensor with { Strides = [1, 7] });

        Assert.Equal($"tensor '{LegacyModel.Untouched}': strides (1, 7), expected (5, 1)", report.Differences[0].ToString());
    }

    [Fact]
    public void A_broken_tie_is_named()
    {
        var report = VerifyOther(6, tensor => tensor with { Storage = 5 });

        Assert.Equal("tensor 'lm_head.weight': storage 5, expected 0", report.Differences[0].ToString());
    }

    [Fact]
    public void An_edited_object_that_is_no_tensor_is_named_by_its_opcode()
    {
        using var other = new VerifiedPair((LegacyModel.Legacy with { Step = 12001 }).ToFile(), LegacyModel.Geometry);

        var difference = Assert.Single(pair.Verify(other.Upgraded).Differences);

        Assert.Equal(("pickle", "BinInt with another argument"), (difference.Place, difference.Problem));
        Assert.Equal((byte)'J', other.Upgraded[(int)difference.Offset!]);
    }

    [Fact]
    public void A_renamed_string_that_is_no_key_is_named()
    {
        var pickle = ZipSurgery.Find(pair.Upgraded, "data.pkl");
        var note = pair.Upgraded.AsSpan(pickle.Start, pickle.Length).IndexOf("attn.attn is"u8);

        var report = pair.Verify(ZipSurgery.Edit(pair.Upgraded, pickle, bytes => "attn.qkvv"u8.CopyTo(bytes.AsSpan(note))));

        Assert.Equal(
            $"pickle at byte {pickle.Start + note - 5}: 'attn.qkvv is a name here, and stays', expected 'attn.attn is a name here, and stays'",
            Assert.Single(report.Differences).ToString());
    }

    [Fact]
    public void A_wrong_checksum_in_both_headers_is_named()
    {
        var entry = ZipSurgery.Find(pair.Upgraded, "data/2");
        var bytes = pair.Upgraded.ToArray();
        bytes[entry.LocalHeader + 14] ^= 1;
        bytes[entry.CentralHeader + 16] ^= 1;

        var difference = Assert.Single(pair.Verify(bytes).Differences);

        Assert.Equal("zip entry 'archive/data/2'", difference.Place);
        Assert.Matches("^its headers give CRC-32 [0-9a-f]{8}, its bytes have [0-9a-f]{8}$", difference.Problem);
    }

    [Fact]
    public void A_checksum_that_only_one_header_has_is_named()
    {
        var entry = ZipSurgery.Find(pair.Upgraded, "data/2");
        var bytes = pair.Upgraded.ToArray();
        bytes[entry.CentralHeader + 16] ^= 1;

        Assert.Equal(
            $"zip entry 'archive/data/2' at byte {entry.LocalHeader}: the local header has another checksum or size than the directory",
            Assert.Single(pair.Verify(bytes).Differences).ToString());
    }

    [Fact]
    public void Bytes_behind_the_end_are_a_difference()
    {
        var difference = Assert.Single(pair.Verify([.. pair.Upgraded, 0, 0, 0]).Differences);

        Assert.Equal("zip directory", difference.Place);
        Assert.Equal("no end-of-directory record: the file is cut off, or no zip", difference.Problem);
    }

    [Fact]
    public void A_first_file_that_is_no_checkpoint_is_refused()
    {
        File.WriteAllText(pair.OriginalPath, "no checkpoint");

        var error = Assert.Throws<MigrationException>(() => pair.Verify());

        Assert.Equal(pair.OriginalPath, error.File);
    }

    [Fact]
    public void Cancellation_ends_the_work() =>
        Assert.ThrowsAny<OperationCanceledException>(() => KnownGeometry.Verify(
            pair.OriginalPath, pair.UpgradedPath, LegacyModel.Geometry, VerificationMode.Full, new CancellationToken(canceled: true)));

    private const int DifferenceLimit = 10;

    /// <summary>The upgrade of a state dict in which one tensor is another.</summary>
    private VerificationReport VerifyOther(int index, Func<TestTensor, TestTensor> change)
    {
        var tensors = LegacyModel.Legacy.Tensors.ToList();
        tensors[index] = change(tensors[index]);
        using var other = new VerifiedPair((LegacyModel.Legacy with { Tensors = tensors }).ToFile(), LegacyModel.Geometry);
        return pair.Verify(other.Upgraded);
    }

    private byte[] Swapped(int first, int second) =>
        ZipSurgery.Edit(pair.Upgraded, ZipSurgery.Find(pair.Upgraded, "data/1"), bytes =>
        {
            var kept = bytes.AsSpan(first * HeadBytes, HeadBytes).ToArray();
            bytes.AsSpan(second * HeadBytes, HeadBytes).CopyTo(bytes.AsSpan(first * HeadBytes));
            kept.CopyTo(bytes, second * HeadBytes);
        });

    private static (long?, QkvSection?, int?, int?) Where(Difference difference) =>
        (difference.Row, difference.Section, difference.Head, difference.QueryGroup);
}
