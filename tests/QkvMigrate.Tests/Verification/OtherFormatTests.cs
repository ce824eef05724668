using System.Text;
using QkvMigrate.Attention;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>Safetensors and the file that PyTorch wrote before 1.6, neither of which has checksums.</summary>
public sealed class OtherFormatTests : IDisposable
{
    private const int RowBytes = 5 * sizeof(float);

    private readonly VerifiedPair safetensors = new(LegacyModel.Legacy.ToSafetensors(), LegacyModel.Geometry);
    private readonly VerifiedPair before16 = new(LegacyModel.Legacy.ToFileBefore16(), LegacyModel.Geometry);

    public void Dispose()
    {
        safetensors.Dispose();
        before16.Dispose();
    }

    [Theory]
    [InlineData(VerificationMode.Quick)]
    [InlineData(VerificationMode.Full)]
    public void Right_upgrades_are_verified(VerificationMode mode)
    {
        foreach (var (pair, tensors, moved) in new[] { (safetensors, 3, 2), (before16, 7, 4) })
        {
            var report = pair.Verify(mode);

            Assert.Empty(report.Differences);
            Assert.Equal((MigrationDirection.Upgrade, tensors, moved), (report.Direction!.Value, report.Coverage.Tensors, report.Coverage.MovedTensors));
            Assert.Equal((0, 0, report.Coverage.TotalBytes), (report.Coverage.StoredChecksums, report.Coverage.Checksums, report.Coverage.ComparedBytes));
        }
    }

    [Fact]
    public void Right_downgrades_are_verified()
    {
        foreach (var pair in new[] { safetensors, before16 })
        {
            using var back = new VerifiedPair(pair.Upgraded, LegacyModel.Geometry, direction: MigrationDirection.Downgrade);
            Assert.Empty(back.Verify().Differences);
        }
    }

    [Fact]
    public void One_bit_in_a_moved_tensor_is_named_with_row_head_and_group()
    {
        foreach (var pair in new[] { safetensors, before16 })
        {
            // Row 21 is k's, as in the zip; the embedding of 7 rows stands before the weight, and before 1.6 a count of 8 bytes.
            var start = pair.Upgraded.AsSpan().IndexOf(BitConverter.GetBytes(100000.5f)) + (21 * RowBytes) + 6;
            var report = pair.Verify(Flipped(pair.Upgraded, start));

            var difference = Assert.Single(report.Differences);
            Assert.Equal(($"tensor '{LegacyModel.Weight}'", 21L, QkvSection.Key, 1, 1), (difference.Place, difference.Row!.Value, difference.Section!.Value, difference.Head!.Value, difference.QueryGroup!.Value));
            Assert.Equal(start, difference.Offset);
        }
    }

    [Fact]
    public void An_order_made_with_another_geometry_is_named()
    {
        foreach (var original in new[] { LegacyModel.Legacy.ToSafetensors(), LegacyModel.Legacy.ToFileBefore16() })
        {
            using var other = new VerifiedPair(original, LegacyModel.Geometry, writtenWith: LegacyModel.OtherGeometry);
            Assert.Equal((4L, QkvSection.Query), (other.Verify().Differences[0].Row, other.Verify(VerificationMode.Quick).Differences[0].Section));
        }
    }

    [Theory]
    [InlineData("attn.qkv.bias", "attn.qkv.bios", "tensor 'transformer.h.0.attn.attn.bias': 'transformer.h.0.attn.qkv.bios' stands in its place, expected the name 'transformer.h.0.attn.qkv.bias'")]
    [InlineData("attn.attn stays", "attn.qkv_ stays", "safetensors header at byte 50: another value under 'note'")]
    [InlineData("\"pt\", ", "\"pt\" ,", "safetensors header at byte 40: the text has another structure than the first file's")]
    public void An_edited_header_of_safetensors_is_named(string text, string edited, string expected)
    {
        var bytes = safetensors.Upgraded.ToArray();
        Encoding.ASCII.GetBytes(edited).CopyTo(bytes, bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(text)));

        Assert.Equal(expected, safetensors.Verify(bytes).Differences[0].ToString());
    }

    [Fact]
    public void Spaces_that_are_not_needed_are_named()
    {
        var length = BitConverter.ToInt64(safetensors.Upgraded);
        byte[] bytes = [.. BitConverter.GetBytes(length + 8), .. safetensors.Upgraded[8..(8 + (int)length)], .. Enumerable.Repeat((byte)' ', 8), .. safetensors.Upgraded[(8 + (int)length)..]];

        Assert.EndsWith(" spaces", Assert.Single(safetensors.Verify(bytes).Differences).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void An_edited_object_of_a_file_before_1_6_is_named_by_its_opcode()
    {
        using var other = new VerifiedPair((LegacyModel.Legacy with { Step = 12001 }).ToFileBefore16(), LegacyModel.Geometry);

        var difference = Assert.Single(before16.Verify(other.Upgraded).Differences);

        Assert.Equal(("pickle", "BinInt with another argument"), (difference.Place, difference.Problem));
        Assert.Equal((byte)'J', other.Upgraded[(int)difference.Offset!]);
    }

    [Fact]
    public void Another_format_is_no_upgrade() =>
        Assert.Contains(before16.Verify(new VerifiedPair(LegacyModel.Legacy.ToFile(), LegacyModel.Geometry).Upgraded).Differences, difference => difference.ToString() == "file: it is of the format TorchZip, expected TorchLegacy");

    private static byte[] Flipped(byte[] bytes, int at)
    {
        var copy = bytes.ToArray();
        copy[at] ^= 0x10;
        return copy;
    }
}
