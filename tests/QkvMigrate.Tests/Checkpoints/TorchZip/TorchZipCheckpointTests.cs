using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Pickles;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Tests.Support;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Tests.Checkpoints.TorchZip;

/// <summary>The zip and its pickle together: what is opened, what is refused, and what comes of an edit.</summary>
public sealed class TorchZipCheckpointTests
{
    private static readonly byte[] Bytes = [.. Enumerable.Range(1, 24).Select(value => (byte)value)];

    private static readonly string Root = Dict(("w", Tensor(Storage(Text("0"), 6), 0, [3, 2], [2, 1])), ("note", Text("w")));

    [Theory]
    [InlineData("data.pkl", "data/0", "version")]
    [InlineData("data/0", "data.pkl", "version")]
    [InlineData("byteorder", "version", "data/0", "data.pkl")]
    [InlineData(".format_version", ".storage_alignment", "data.pkl", "data/0", "version", ".data/serialization_id")]
    public void A_checkpoint_is_opened_in_whatever_order_it_was_written(params string[] records) => Open(Image(records), checkpoint =>
    {
        Assert.Equal(CheckpointFormat.TorchZip, checkpoint.Format);
        var tensor = Assert.Single(checkpoint.Tensors);
        Assert.Equal("w", tensor.Label);
        Assert.Equal(Bytes, checkpoint.Source.Read(tensor.FileOffset, (int)tensor.Extent));
        Assert.Empty(checkpoint.OpaqueStorages);
    });

    [Fact]
    public void Storages_that_the_pickle_does_not_name_are_carried_along()
    {
        var image = Image("data.pkl", "data/0", "data/1", "version").ToArray();
        Open(image, checkpoint => Assert.Equal(image, Rewrite(checkpoint, new CheckpointEdit(new Dictionary<int, string>(), []))));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Renames_and_reorders_change_the_pickle_the_storage_and_their_checksums(bool pickleFirst)
    {
        string[] records = pickleFirst ? ["data.pkl", "data/0", "version"] : ["data/0", "version", "data.pkl"];
        var image = Image(records).ToArray();
        Open(image, checkpoint =>
        {
            var tensor = checkpoint.Tensors[0];
            var rows = RowPermutation.FromRuns([new RowRun(2, 1), new RowRun(0, 2)]);
            var edit = new CheckpointEdit(
                new Dictionary<int, string> { [tensor.Name!.Id] = "weight" },
                [new BlockReorder(tensor.Storage, 0, 1, [0], 8, 8, rows)]);
            var entries = ZipReading.Entries(Rewrite(checkpoint, edit)).ToDictionary(entry => entry.Entry.Name, entry => entry.Bytes);
            Assert.Equal(TorchCode.Pickle(Dict(("weight", Tensor(Storage(Text("0"), 6), 0, [3, 2], [2, 1])), ("note", Text("w")))), entries["stem/data.pkl"]);
            Assert.Equal([.. Bytes[16..], .. Bytes[..16]], entries["stem/data/0"]);
            Assert.Equal("3\n"u8, entries["stem/version"]);
        });
    }

    [Theory]
    [InlineData("256", 256)]
    [InlineData("64", 64)]
    [InlineData("1", 1)]
    [InlineData("0", 64)]
    [InlineData("1000000", 64)]
    [InlineData("-4", 64)]
    [InlineData("many", 64)]
    [InlineData("12345678901", 64)]
    public void The_alignment_is_the_one_that_the_file_names(string named, int alignment)
    {
        var image = new ZipImage();
        PyTorchZip.Add(image, "stem/.storage_alignment", System.Text.Encoding.ASCII.GetBytes(named), alignment: alignment);
        PyTorchZip.Add(image, "stem/data.pkl", TorchCode.Pickle(Root), alignment: alignment);
        PyTorchZip.Add(image, "stem/data/0", Bytes, alignment: alignment);
        var zip = image.End(PyTorchZip.Tail).ToArray();
        Open(zip, checkpoint =>
        {
            // A name so much longer that the padding cannot take it up: the data moves on to the next multiple.
            var renamed = Rewrite(checkpoint, new CheckpointEdit(new Dictionary<int, string> { [checkpoint.Tensors[0].Name!.Id] = new string('x', 5000) }, []));
            var before = ZipReading.Entries(zip)[2].Entry;
            var after = ZipReading.Entries(renamed)[2].Entry;
            Assert.Equal(0, after.DataOffset % alignment);
            Assert.InRange(after.DataOffset - before.DataOffset, 4999 - alignment, 4999 + (2 * alignment));
        });
    }

    [Fact]
    public void A_zip_without_a_pickle_is_refused() =>
        AssertRefused(Image("version", "data/0"), FailureKind.Malformed, "zip directory: the zip has no stem/data.pkl: it is no checkpoint, or saving it was interrupted (incremental_save writes that entry last)");

    [Fact]
    public void A_pickle_in_another_folder_is_none() =>
        AssertRefused(Image("version", "other/data.pkl"), FailureKind.Malformed, "zip directory: the zip has no stem/data.pkl: it is no checkpoint, or saving it was interrupted (incremental_save writes that entry last)");

    [Fact]
    public void A_TorchScript_archive_is_refused() =>
        AssertRefused(Image("data.pkl", "constants.pkl", "data/0"), FailureKind.Unsupported, "zip entry 'stem/constants.pkl': this is a TorchScript archive, not a state dict");

    [Fact]
    public void A_pickle_that_was_changed_is_refused()
    {
        var zip = Image("data.pkl", "data/0").ToArray();
        zip[64 + 3]++;
        AssertRefused(zip, FailureKind.Malformed, "stem/data.pkl, pickle at byte 0: the bytes do not have the checksum that the zip gives");
    }

    [Fact]
    public void Bytes_behind_the_pickle_are_refused()
    {
        var pickle = TorchCode.Pickle(Root);
        var image = PyTorchZip.Add(new ZipImage(), "stem/data.pkl", [.. pickle, 1, 2]);
        AssertRefused(image.End(), FailureKind.Malformed, $"stem/data.pkl, pickle at byte {pickle.Length}: 2 bytes stand behind the end of the pickle");
    }

    [Fact]
    public void What_is_wrong_with_the_pickle_is_told_with_its_place()
    {
        var image = PyTorchZip.Add(new ZipImage(), "stem/data.pkl", TorchCode.Pickle("N\u00ff"));
        AssertRefused(image.End(), FailureKind.Malformed, "stem/data.pkl, pickle at byte 3: byte 0xff is no pickle opcode");
    }

    [Fact]
    public void A_pickle_of_gigabytes_is_not_read()
    {
        var image = PyTorchZip.Add(new ZipImage(), "stem/data.pkl", [1], 1L << 32);
        using var folder = new WorkFolder();
        var path = image.End(PyTorchZip.Tail).Bytes.Save(folder.At("huge.pth"));
        var refused = Assert.Throws<MigrationException>(() => Checkpoint.Open(path));
        Assert.Equal($"{path}: stem/data.pkl, pickle at byte 0: 4294967297 bytes are more than the 536870912 that a pickle may have", refused.Message);
        Assert.Equal(FailureKind.Unsupported, refused.Kind);
    }

    [Fact]
    public void A_zip_that_is_cut_off_is_refused()
    {
        var zip = Image("data.pkl", "data/0").ToArray();
        AssertRefused(zip[..^1], FailureKind.Malformed, $"zip directory at byte {zip.Length - 1}: no end-of-directory record: the file is cut off, or no zip");
    }

    [Theory]
    [InlineData("PK\u0003\u0004")]
    [InlineData("PK\u0005\u0006\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")]
    [InlineData("a text of more than thirty bytes, which is no checkpoint")]
    public void What_is_no_checkpoint_is_refused(string content) =>
        AssertRefused(System.Text.Encoding.Latin1.GetBytes(content), FailureKind.Malformed, "this is no checkpoint: expected a file that torch.save wrote, or safetensors");

    [Theory]
    [InlineData("", "the file is empty")]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "this is the pointer of Git LFS and not the checkpoint; 'git lfs pull' fetches that")]
    public void What_stands_in_its_place_is_told(string content, string problem) =>
        AssertRefused(System.Text.Encoding.Latin1.GetBytes(content), FailureKind.Malformed, problem);

    [Theory]
    [InlineData("word/document.xml")]
    [InlineData("data.pkl")]
    [InlineData("/data.pkl")]
    public void A_zip_of_something_else_is_none(string first) =>
        AssertRefused(new ZipImage().Add(new ZipPart(first, [1])).End().ToArray(), FailureKind.Malformed, "this is no checkpoint: expected a file that torch.save wrote, or safetensors");

    [Fact]
    public void A_file_that_is_not_there_is_refused()
    {
        using var folder = new WorkFolder();
        var refused = Assert.Throws<MigrationException>(() => Checkpoint.Open(folder.At("none.pth")));
        Assert.Equal(FailureKind.Io, refused.Kind);
        Assert.Equal($"{folder.At("none.pth")}: no such file or directory", refused.Message);
    }

    private static ZipImage Image(params string[] records)
    {
        var image = new ZipImage();
        foreach (var record in records)
        {
            PyTorchZip.Add(image, $"stem/{record}", record switch
            {
                "data.pkl" or "../other/data.pkl" => TorchCode.Pickle(Root),
                "data/0" => Bytes,
                ".storage_alignment" => "64"u8.ToArray(),
                _ => "3\n"u8.ToArray(),
            });
        }

        return image.End(PyTorchZip.Tail);
    }

    private static byte[] Rewrite(Checkpoint checkpoint, CheckpointEdit edit) => NaiveLayout.Apply(checkpoint.Rewrite(edit));

    private static void Open(ZipImage image, Action<Checkpoint> use) => Open(image.ToArray(), use);

    private static void Open(byte[] zip, Action<Checkpoint> use)
    {
        using var folder = new WorkFolder();
        var path = folder.At("model.pth");
        File.WriteAllBytes(path, zip);
        using var checkpoint = Checkpoint.Open(path);
        use(checkpoint);
    }

    private static void AssertRefused(ZipImage image, FailureKind kind, string message) => AssertRefused(image.ToArray(), kind, message);

    private static void AssertRefused(byte[] content, FailureKind kind, string message)
    {
        using var folder = new WorkFolder();
        var path = folder.At("model.pth");
        File.WriteAllBytes(path, content);
        var refused = Assert.Throws<MigrationException>(() => Checkpoint.Open(path));
        Assert.Equal($"{path}: {message}", refused.Message);
        Assert.Equal(kind, refused.Kind);
    }
}
