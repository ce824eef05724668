using System.IO.Hashing;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Tests.Checkpoints.TorchZip;

/// <summary>Zips of PyTorch's writer and of others are read: where the entries stand, and what they hold.</summary>
public sealed class ZipDirectoryTests
{
    private static readonly byte[] First = [1, 2, 3, 4, 5];
    private static readonly byte[] Second = [.. Enumerable.Range(0, 100).Select(value => (byte)value)];

    [Fact]
    public void PyTorchs_own_file_is_what_the_tests_lay_down()
    {
        // torch.save({"w": torch.arange(10.), "e": torch.zeros(0)}, "real.pt") of PyTorch 1.13.
        var real = Convert.FromBase64String(RealFile);
        var entries = ZipReading.Entries(real);
        Assert.Equal(["real/data.pkl", "real/data/0", "real/data/1", "real/version"], entries.Select(entry => entry.Entry.Name));
        Assert.Equal([0L, 300, 440, 512], entries.Select(entry => entry.Entry.HeaderOffset));
        Assert.Equal([64L, 384, 512, 576], entries.Select(entry => entry.Entry.DataOffset));
        Assert.Equal([16, 16, 0, 16], entries.Select(entry => entry.Entry.DescriptorLength));
        Assert.Equal([.. Enumerable.Range(0, 10).SelectMany(value => BitConverter.GetBytes((float)value))], entries[1].Bytes);
        Assert.Equal("3\n"u8, entries[3].Bytes);

        var image = new ZipImage();
        foreach (var (entry, bytes) in entries)
        {
            PyTorchZip.Add(image, entry.Name, bytes);
        }

        Assert.Equal(real, image.End(PyTorchZip.Tail).ToArray());
    }

    [Theory]
    [InlineData(ZipDescriptor.None)]
    [InlineData(ZipDescriptor.Narrow)]
    [InlineData(ZipDescriptor.SignedNarrow)]
    [InlineData(ZipDescriptor.Wide)]
    [InlineData(ZipDescriptor.SignedWide)]
    internal void Entries_of_every_descriptor_are_read(ZipDescriptor descriptor) =>
        AssertRead(new ZipImage()
            .Add(new ZipPart("a/one", First) { Descriptor = descriptor })
            .Add(new ZipPart("a/none", []) { Descriptor = descriptor })
            .Add(new ZipPart("a/two", Second) { Descriptor = descriptor }));

    [Fact]
    public void A_descriptor_may_repeat_what_the_local_header_says() =>
        AssertRead(new ZipImage()
            .Add(new ZipPart("a/one", First) { Descriptor = ZipDescriptor.SignedNarrow, LocalCrc = Crc32.HashToUInt32(First), LocalSize = 5, LocalCompressedSize = 5 })
            .Add(new ZipPart("a/none", []) { Flags = 8 })
            .Add(new ZipPart("a/two", Second)));

    [Fact]
    public void Zip64_fields_are_read_in_both_headers() =>
        AssertRead(new ZipImage()
            .Add(new ZipPart("a/one", First) { LocalSize = uint.MaxValue, LocalCompressedSize = uint.MaxValue, LocalExtra = PyTorchZip.Zip64(5, 5) })
            .Add(new ZipPart("a/none", []) { CentralSize = uint.MaxValue, CentralExtra = PyTorchZip.Zip64(0) })
            .Add(new ZipPart("a/two", Second)
            {
                // Python's zipfile on a stream: zeros in the local zip64 field, the sizes in a wide descriptor.
                Descriptor = ZipDescriptor.SignedWide,
                LocalSize = uint.MaxValue,
                LocalCompressedSize = uint.MaxValue,
                LocalExtra = PyTorchZip.Zip64(0, 0),
                CentralSize = uint.MaxValue,
                CentralCompressedSize = uint.MaxValue,
                CentralExtra = [.. (byte[])[9, 0, 1, 0, 7], .. PyTorchZip.Zip64(100, 100)],
            }));

    [Fact]
    public void The_header_offset_may_stand_in_a_zip64_field()
    {
        var image = new ZipImage().Add(new ZipPart("a/one", First));
        var offset = image.Length;
        image.Add(new ZipPart("a/none", []) { CentralOffset = uint.MaxValue, CentralExtra = PyTorchZip.Zip64(offset) });
        offset = image.Length;
        AssertRead(image.Add(new ZipPart("a/two", Second)
        {
            CentralSize = uint.MaxValue,
            CentralCompressedSize = uint.MaxValue,
            CentralOffset = uint.MaxValue,
            CentralExtra = PyTorchZip.Zip64(100, 100, offset),
        }));
    }

    [Theory]
    [InlineData(false, false, 0, "")]
    [InlineData(true, false, 0, "")]
    [InlineData(true, true, 0, "")]
    [InlineData(true, false, 20, "")]
    [InlineData(false, false, 0, "a comment")]
    [InlineData(true, true, 3, "a comment")]
    public void End_records_of_every_kind_are_found(bool zip64, bool escaped, int extension, string comment) =>
        AssertRead(
            new ZipImage().Add(new ZipPart("a/one", First)).Add(new ZipPart("a/none", [])).Add(new ZipPart("a/two", Second) { CentralComment = "about two" }),
            new ZipTail { Zip64 = zip64, Escaped = escaped, Zip64Extension = new byte[extension], Comment = comment });

    [Fact]
    public void The_longest_comment_is_no_hindrance() =>
        AssertRead(
            new ZipImage().Add(new ZipPart("a/one", First)).Add(new ZipPart("a/none", [])).Add(new ZipPart("a/two", Second)),
            new ZipTail { Comment = new string('c', ushort.MaxValue) });

    [Fact]
    public void An_end_record_within_the_comment_is_none()
    {
        // Its own comment would not reach to the end of the file.
        const string decoy = "PK\u0005\u0006\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\u0001\0 and so on";
        AssertRead(
            new ZipImage().Add(new ZipPart("a/one", First)).Add(new ZipPart("a/none", [])).Add(new ZipPart("a/two", Second)),
            new ZipTail { Comment = decoy });
    }

    [Fact]
    public void The_directory_may_list_the_entries_in_another_order()
    {
        var zip = new ZipImage().Add(new ZipPart("a/one", First)).Add(new ZipPart("a/none", [])).Add(new ZipPart("a/two", Second)).End(null, 2, 0, 1).ToArray();
        var (listed, entries) = ZipReading.Read(zip, (_, directory) => (directory.Listed, directory.Entries));
        Assert.Equal(["a/two", "a/one", "a/none"], listed.Select(entry => entry.Name));
        Assert.Equal(["a/one", "a/none", "a/two"], entries.Select(entry => entry.Name));
    }

    [Fact]
    public void A_zip_without_entries_is_read() => Assert.Empty(ZipReading.Entries(new ZipImage().End().ToArray()));

    private static void AssertRead(ZipImage image, ZipTail? tail = null)
    {
        var zip = image.End(tail).ToArray();
        var entries = ZipReading.Entries(zip);
        Assert.Equal(["a/one", "a/none", "a/two"], entries.Select(entry => entry.Entry.Name));
        Assert.Equal([First, [], Second], entries.Select(entry => entry.Bytes));
        Assert.Equal([First, [], Second], entries.Select(entry => zip[(int)entry.Entry.DataOffset..(int)(entry.Entry.DataOffset + entry.Entry.Size)]));
        Assert.Equal([Crc32.HashToUInt32(First), 0u, Crc32.HashToUInt32(Second)], entries.Select(entry => entry.Entry.Crc));
    }

    private const string RealFile =
        "UEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAANABUAcmVhbC9kYXRhLnBrbEZCEQBaWlpaWlpaWlpaWlpaWlpaWoACfXEAKFgBAAAAd3EBY3RvcmNoLl91dGls" +
        "cwpfcmVidWlsZF90ZW5zb3JfdjIKcQIoKFgHAAAAc3RvcmFnZXEDY3RvcmNoCkZsb2F0U3RvcmFnZQpxBFgBAAAAMHEFWAMAAABjcHVxBksKdHEHUUsASwqF" +
        "cQhLAYVxCYljY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcQopUnELdHEMUnENWAEAAABlcQ5oAigoaANoBFgBAAAAMXEPaAZLAHRxEFFLAEsAhXERSwGFcRKJ" +
        "aAopUnETdHEUUnEVdS5QSwcIFh3J8dwAAADcAAAAUEsDBAAACAgAAAAAAAAAAAAAAAAAAAAAAAALACsAcmVhbC9kYXRhLzBGQicAWlpaWlpaWlpaWlpaWlpa" +
        "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaAAAAAAAAgD8AAABAAABAQAAAgEAAAKBAAADAQAAA4EAAAABBAAAQQVBLBwhp56XmKAAAACgAAABQSwMEAAAACAAA" +
        "AAAAAAAAAAAAAAAAAAAAAAsAHwByZWFsL2RhdGEvMUZCGwBaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpQSwMEAAAICAAAAAAAAAAAAAAAAAAAAAAAAAwA" +
        "FgByZWFsL3ZlcnNpb25GQhIAWlpaWlpaWlpaWlpaWlpaWlpaMwpQSwcI0Z5nVQIAAAACAAAAUEsBAgAAAAAICAAAAAAAABYdyfHcAAAA3AAAAA0AAAAAAAAA" +
        "AAAAAAAAAAAAAHJlYWwvZGF0YS5wa2xQSwECAAAAAAgIAAAAAAAAaeel5igAAAAoAAAACwAAAAAAAAAAAAAAAAAsAQAAcmVhbC9kYXRhLzBQSwECAAAAAAAI" +
        "AAAAAAAAAAAAAAAAAAAAAAAACwAAAAAAAAAAAAAAAAC4AQAAcmVhbC9kYXRhLzFQSwECAAAAAAgIAAAAAAAA0Z5nVQIAAAACAAAADAAAAAAAAAAAAAAAAAAA" +
        "AgAAcmVhbC92ZXJzaW9uUEsGBiwAAAAAAAAAHgMtAAAAAAAAAAAABAAAAAAAAAAEAAAAAAAAAOcAAAAAAAAAUgIAAAAAAABQSwYHAAAAADkDAAAAAAAAAQAA" +
        "AFBLBQYAAAAABAAEAOcAAABSAgAAAAA=";
}
