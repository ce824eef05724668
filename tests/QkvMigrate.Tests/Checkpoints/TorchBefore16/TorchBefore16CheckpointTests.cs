using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;
using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Checkpoints.TorchBefore16;

/// <summary>The pre-1.6 format, byte by byte: what is read, what is refused, and what a migration changes.</summary>
public sealed class TorchBefore16CheckpointTests
{
    private static readonly AttentionGeometry Geometry = new(4, 2, 1);
    private static readonly TorchBefore16File Right = new();

    [Fact]
    public void Describes_tensors_and_where_their_bytes_are()
    {
        var bytes = Right.Bytes();
        Assert.Equal(
            [("attn.attn.bias", "uint8", "8", bytes.Length - 17L, 8L), ("x", "uint8", "1", bytes.Length - 1L, 1L)],
            CheckpointBytes.Look(bytes, checkpoint => checkpoint.Tensors.Select(tensor => (tensor.Name!.Text, tensor.DType.Name, string.Join(',', tensor.Shape), tensor.FileOffset, tensor.Storage.Length)).ToList()));
        Assert.Equal(CheckpointFormat.TorchLegacy, CheckpointBytes.Look(bytes, checkpoint => checkpoint.Format));
    }

    [Fact]
    public void A_migration_changes_the_key_and_the_rows_and_nothing_else()
    {
        var expected = new TorchBefore16File { Name = "attn.qkv.bias", Storages = [8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 5, 2, 6, 3, 7, 1, 0, 0, 0, 0, 0, 0, 0, 99] };
        var upgraded = CheckpointBytes.Migrate(Right.Bytes(), Conversion.Upgrade, Geometry);
        Assert.Equal(expected.Bytes(), upgraded);
        Assert.Equal(Right.Bytes(), CheckpointBytes.Migrate(upgraded, Conversion.Downgrade, Geometry));
    }

    [Fact]
    public void A_persistent_id_of_five_parts_is_read() =>
        Assert.Equal(2, CheckpointBytes.Look((Right with { FirstStorage = TorchBefore16File.Storage("70", 8, []) }).Bytes(), checkpoint => checkpoint.Tensors.Count));

    [Fact]
    public void A_pickle_longer_than_the_first_window_is_read()
    {
        var text = new byte[3 << 20];
        text.AsSpan().Fill((byte)'a');
        byte[] information = [0x80, 2, (byte)'X', 0, 0, 0x30, 0, .. text, (byte)'.'];
        Assert.Equal(2, CheckpointBytes.Look((Right with { SystemInformation = information }).Bytes(), checkpoint => checkpoint.Tensors.Count));
    }

    [Fact]
    public void A_pickle_that_is_wrong_at_once_is_not_read_to_its_end()
    {
        byte[] bytes = [.. Right.Magic, .. Right.Protocol, .. Right.SystemInformation, 0x80, 2, 0xff];
        var path = Path.GetTempFileName();
        try
        {
            using (var file = File.OpenWrite(path))
            {
                file.Write(bytes);
                file.SetLength(256 << 20);
            }

            var before = GC.GetAllocatedBytesForCurrentThread();
            var refused = Assert.Throws<MigrationException>(() => Checkpoint.Open(path));
            Assert.Equal($"{path}: object pickle at byte {Right.Start + 2}: byte 0xff is no pickle opcode", refused.Message);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 16 << 20);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Another_protocol_version_is_refused() =>
        Assert.Equal("protocol version pickle: expected the protocol version 1001", CheckpointBytes.Refusal((Right with { Protocol = [0x80, 2, (byte)'M', 0xea, 3, (byte)'.'] }).Bytes()));

    [Fact]
    public void A_file_that_ends_behind_the_magic_number_is_refused() =>
        Assert.Equal("protocol version pickle at byte 15: the pickle ends without STOP", CheckpointBytes.Refusal(Right.Magic));

    [Fact]
    public void A_view_of_a_storage_is_refused_by_name() =>
        Assert.EndsWith(": a storage that is a view into another one (view_metadata)", CheckpointBytes.Refusal((Right with { FirstStorage = TorchBefore16File.Storage("70", 8, [(byte)'K', 1]) }).Bytes()), StringComparison.Ordinal);

    [Fact]
    public void A_whole_module_is_refused_by_name()
    {
        var message = CheckpointBytes.Refusal((Right with { FirstStorage = [.. TorchBefore16File.Text("module"), (byte)'N', (byte)'N', (byte)'N'] }).Bytes());
        Assert.StartsWith("object pickle at byte ", message, StringComparison.Ordinal);
        Assert.EndsWith(": a whole module that was pickled with its source code, not a state dict", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_of_other_things_than_strings_is_refused() =>
        Assert.Equal("storage keys pickle: expected a list of strings", CheckpointBytes.Refusal((Right with { Keys = [0x80, 2, (byte)']', (byte)'K', 1, (byte)'a', (byte)'.'] }).Bytes()));

    [Theory]
    [InlineData("70", "8", "storage 8", ": its key is in the list of storages, but no object names it")]
    [InlineData("70", "70", "storage 70", ": 1 elements, the object pickle says 8")]
    public void A_list_that_does_not_fit_the_objects_is_refused(string first, string second, string where, string problem)
    {
        var message = CheckpointBytes.Refusal((Right with { Keys = Keys(first, second) }).Bytes());
        Assert.StartsWith(where, message, StringComparison.Ordinal);
        Assert.EndsWith(problem, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_stands_twice_is_refused()
    {
        var storage = Right.Storages[..16];
        Assert.EndsWith(": its key stands twice in the list of storages", CheckpointBytes.Refusal((Right with { Keys = Keys("70", "70"), Storages = [.. storage, .. storage] }).Bytes()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_storage_that_is_not_in_the_list_is_refused() =>
        Assert.EndsWith(": storage 9 is named, but its bytes are not in the file", CheckpointBytes.Refusal((Right with { Keys = Keys("70"), Storages = Right.Storages[..16] }).Bytes()), StringComparison.Ordinal);

    [Fact]
    public void A_file_that_is_cut_short_is_refused()
    {
        var bytes = Right.Bytes();
        Assert.Equal($"storage 9 at byte {bytes.Length - 9}: 1 bytes are expected, the file has 0 left", CheckpointBytes.Refusal(bytes[..^1]));
    }

    [Fact]
    public void Bytes_behind_the_last_storage_are_refused()
    {
        var bytes = Right.Bytes();
        Assert.Equal($"at byte {bytes.Length}: 2 bytes stand behind the last storage", CheckpointBytes.Refusal([.. bytes, 0, 0]));
    }

    [Theory]
    [InlineData("sys_info")]
    [InlineData("storages")]
    public void The_tar_of_the_first_versions_is_refused_by_name(string entry)
    {
        var bytes = new byte[1024];
        System.Text.Encoding.ASCII.GetBytes(entry).CopyTo(bytes, 0);
        "ustar"u8.CopyTo(bytes.AsSpan(257));
        Assert.Equal("this is the tar that PyTorch wrote before 0.1.10, which this tool does not read; torch.load and torch.save bring it up to date", CheckpointBytes.Refusal(bytes));
    }

    [Fact]
    public void Another_pickle_is_no_checkpoint() =>
        Assert.Equal("this is no checkpoint: expected a file that torch.save wrote, or safetensors", CheckpointBytes.Refusal(Right.Protocol));

    private static byte[] Keys(params string[] keys) => [0x80, 2, (byte)']', (byte)'(', .. keys.SelectMany(TorchBefore16File.Text), (byte)'e', (byte)'.'];
}
