using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Files;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Tests.Checkpoints.TorchZip;

/// <summary>Each way in which a zip lies about its entries, with the whole message.</summary>
public sealed class ZipMalformationTests
{
    private static readonly byte[] Five = [1, 2, 3, 4, 5];
    private static readonly byte[] Bad = [9, 0, 5, 0, 7];

    /// <summary>An entry with a header of 35 bytes in all, and its name.</summary>
    private static readonly ZipPart One = new("a/one", Five);
    private static readonly ZipPart Two = new("a/two", Five);

    public static TheoryData<string, int> Broken { get; } = [.. Cases.Select((example, number) => (example.Message, number))];

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_zip_that_lies_is_refused(string message, int number)
    {
        var (kind, expected, image) = Cases[number];
        Assert.Equal(expected, message);
        ZipReading.AssertRefused(image().ToArray(), kind, message);
    }

    private static List<(FailureKind Kind, string Message, Func<ZipImage> Image)> Cases =>
    [
        // What is not handled
        Unsupported("zip entry 'a/one' at byte 80: the entry is encrypted", One with { Flags = 1 }, Two),
        Unsupported("zip entry 'a/two' at byte 131: the entry is compressed; torch.save stores entries as they are, and torch.load maps no other", One, Two with { Method = 8 }),

        // Names that unpack to elsewhere
        Malformed("zip entry '/two' at byte 130: the entry's name leads out of the archive", One, Two with { Name = "/two" }),
        Malformed("zip entry 'a/../two' at byte 134: the entry's name leads out of the archive", One, Two with { Name = "a/../two" }),
        Malformed("zip entry '..' at byte 128: the entry's name leads out of the archive", One, Two with { Name = ".." }),
        Malformed("zip entry 'a\\two' at byte 131: the entry's name leads out of the archive", One, Two with { Name = "a\\two" }),

        // Entries do not cover the file
        Malformed("zip entry 'a/one' at byte 7: the local header is expected at byte 0, where the bytes before it end", One with { Before = new byte[7] }, Two),
        Malformed("zip entry 'a/one' at byte 40: 3 bytes behind the entry belong to nothing", One with { Behind = new byte[3] }, Two),
        Malformed("zip entry 'a/one' at byte 40: 3 bytes behind the entry belong to nothing", One, Two with { Before = new byte[3] }),
        Malformed("zip entry 'a/two' at byte 80: 12 bytes behind the entry belong to nothing", One, Two with { Behind = new byte[12] }),
        Malformed("zip entry 'a/one' at byte 40: 13 bytes behind the entry belong to nothing", One with { Flags = 8, Behind = new byte[13] }, Two),
        Malformed("zip entry 'a/one' at byte 0: the local header reaches over byte 0, where the next one starts", One, Two with { CentralOffset = 0 }),
        Malformed("zip entry 'a/one' at byte 0: the local header reaches over byte 29, where the next one starts", One, Two with { CentralOffset = 29 }),
        Malformed("zip entry 'a/one' at byte 0: the entry's 5 bytes reach over byte 39, where the next one starts", One, Two with { CentralOffset = 39 }),
        Malformed("zip entry 'a/one' at byte 0: the entry's 6 bytes reach over byte 40, where the next one starts", One with { CentralSize = 6, CentralCompressedSize = 6 }, Two),
        Malformed("zip entry 'a/two' at byte 40: the entry's 4294967295 bytes reach over byte 80, where the next one starts", One, Two with { CentralSize = uint.MaxValue, CentralCompressedSize = uint.MaxValue, CentralExtra = PyTorchZip.Zip64(uint.MaxValue, uint.MaxValue) }),
        Malformed("zip entry 'a/one' at byte 40: 1 bytes behind the entry belong to nothing", One, Two with { CentralOffset = 41 }),
        Malformed("zip entry 'a/one' at byte 40: 9223372036854775767 bytes behind the entry belong to nothing", One, Two with { CentralOffset = uint.MaxValue, CentralExtra = PyTorchZip.Zip64(long.MaxValue) }),

        // Two headers of one entry
        Malformed("zip entry 'a/one' at byte 40: two entries have this name", One, One),
        Malformed("zip entry 'a/two' at byte 40: no local header is where the directory says", One, Two with { LocalSignature = 0x04034b51 }),
        Malformed("zip entry 'a/two' at byte 40: the local header has another name", One, Two with { LocalName = "a/too" }),
        Malformed("zip entry 'a/two' at byte 40: the local header has other flags or another method than the directory", One, Two with { LocalFlags = 0x0800 }),
        Malformed("zip entry 'a/two' at byte 40: the local header has other flags or another method than the directory", One, Two with { LocalMethod = 8 }),
        Malformed("zip entry 'a/two' at byte 40: the local header has another checksum or size than the directory", One, Two with { LocalCrc = 1 }),
        Malformed("zip entry 'a/two' at byte 40: the local header has another checksum or size than the directory", One, Two with { CentralCrc = 1 }),
        Malformed("zip entry 'a/two' at byte 40: the local header has another checksum or size than the directory", One, Two with { LocalCrc = 0 }),
        Malformed("zip entry 'a/two' at byte 40: the local header has another checksum or size than the directory", One, Two with { LocalSize = 4 }),
        Malformed("zip entry 'a/two' at byte 40: the local header has another checksum or size than the directory", One, Two with { LocalCompressedSize = 0 }),
        Malformed("zip entry 'a/two' at byte 40: the local header has another checksum or size than the directory", One, Two with { LocalSize = uint.MaxValue, LocalExtra = PyTorchZip.Zip64(6) }),
        Malformed("zip entry 'a/two' at byte 40: the local header has another checksum or size than the directory", One, Two with { Descriptor = ZipDescriptor.SignedNarrow, LocalCrc = 1 }),
        Malformed("zip entry 'a/two' at byte 40: the entry's 5 bytes reach over byte 80, where the next one starts", One, Two with { LocalExtraLength = 1 }),

        // The data descriptor
        Malformed("zip entry 'a/one' at byte 40: the data descriptor has another checksum or size than the directory", One with { Descriptor = ZipDescriptor.SignedNarrow, DescriptorCrc = 1 }, Two),
        Malformed("zip entry 'a/one' at byte 40: the data descriptor has another checksum or size than the directory", One with { Descriptor = ZipDescriptor.Narrow, DescriptorSize = 6 }, Two),
        Malformed("zip entry 'a/one' at byte 40: the data descriptor has another checksum or size than the directory", One with { Descriptor = ZipDescriptor.Wide, DescriptorSize = 5 + (1L << 32) }, Two),
        Malformed("zip entry 'a/one' at byte 40: the data descriptor has another checksum or size than the directory", One with { Descriptor = ZipDescriptor.SignedWide, DescriptorSize = -1 }, Two),
        Malformed("zip entry 'a/one' at byte 40: 16 bytes behind the entry belong to nothing", One with { Descriptor = ZipDescriptor.SignedNarrow, DescriptorSignature = 1 }, Two),
        Malformed("zip entry 'a/one' at byte 40: 24 bytes behind the entry belong to nothing", One with { Descriptor = ZipDescriptor.SignedWide, DescriptorSignature = 1 }, Two),

        // Extra fields
        Malformed("zip entry 'a/two' at byte 40: an extra field is longer than the header's extra area", One, Two with { LocalExtra = Bad }),
        Malformed("zip entry 'a/two' at byte 40: an extra field is longer than the header's extra area", One, Two with { LocalExtra = [1, 0, 0] }),
        Malformed("zip entry 'a/two' at byte 131: an extra field is longer than the header's extra area", One, Two with { CentralExtra = Bad }),
        Malformed("zip entry 'a/two' at byte 131: 1 numbers of the header are said to be in a zip64 field, which has 0 bytes", One, Two with { CentralSize = uint.MaxValue }),
        Malformed("zip entry 'a/two' at byte 131: 3 numbers of the header are said to be in a zip64 field, which has 16 bytes", One, Two with { CentralSize = uint.MaxValue, CentralCompressedSize = uint.MaxValue, CentralOffset = uint.MaxValue, CentralExtra = PyTorchZip.Zip64(5, 5) }),
        Malformed("zip entry 'a/two' at byte 40: 2 numbers of the header are said to be in a zip64 field, which has 8 bytes", One, Two with { LocalSize = uint.MaxValue, LocalCompressedSize = uint.MaxValue, LocalExtra = PyTorchZip.Zip64(5) }),
        Malformed("zip entry 'a/two' at byte 131: a number of the zip64 field is beyond 63 bits", One, Two with { CentralOffset = uint.MaxValue, CentralExtra = PyTorchZip.Zip64(-1) }),

        // The central directory
        Malformed("zip entry 'a/two' at byte 131: a stored entry has one size, this one 5 and 6", One, Two with { CentralSize = 6 }),
        Malformed("zip entry 'a/two' at byte 131: the entry is on another disk", One, Two with { CentralDisk = 1 }),
        Malformed("zip directory at byte 80: 2 entries are listed, the end record says 3", new ZipTail { Count = 3 }),
        Malformed("zip directory at byte 80: 2 entries are listed, the end record says 1", new ZipTail { Count = 1 }),
        Malformed("zip directory at byte 80: 2 entries are listed, the end record says 65536", new ZipTail { Zip64 = true, Count = 65536 }),
        Malformed("zip directory at byte 182: the directory is said to have 101 bytes from byte 80 on, but the end records start at byte 182", new ZipTail { DirectorySize = 101 }),
        Malformed("zip directory at byte 182: the directory is said to have 102 bytes from byte 81 on, but the end records start at byte 182", new ZipTail { DirectoryOffset = 81 }),
        Malformed("zip directory at byte 182: the directory is said to have 102 bytes from byte 4294967295 on, but the end records start at byte 182", new ZipTail { DirectoryOffset = 1L << 40 }),
        Malformed("zip directory at byte 183: the directory is said to have 102 bytes from byte 80 on, but the end records start at byte 183", new ZipTail { Before = [0] }),
        Malformed("zip directory at byte 182: no header of an entry is where one is expected", new ZipTail { Before = [0], DirectorySize = 103 }),
        Malformed("zip directory at byte 79: no header of an entry is where one is expected", new ZipTail { DirectoryOffset = 79, DirectorySize = 103 }),
        Malformed("zip directory at byte 182: the directory is expected at byte 0, where the last entry ends", new ZipTail { DirectoryOffset = 182, DirectorySize = 0, Count = 0 }),

        // The end records
        Malformed("zip directory at byte 182: the zip is one of several disks", new ZipTail { Disk = 1 }),
        Malformed("zip directory at byte 205: no end-of-directory record: the file is cut off, or no zip", new ZipTail { Comment = "?", CommentLength = 0 }),
        Malformed("zip directory at byte 204: no end-of-directory record: the file is cut off, or no zip", new ZipTail { CommentLength = 1 }),
        Malformed("zip directory at byte 238: the zip64 end record is said to be at byte 183, behind its locator", new ZipTail { Zip64 = true, Zip64Offset = 183 }),
        Malformed("zip directory at byte 238: the zip64 end record is said to be at byte 9223372036854775807, behind its locator", new ZipTail { Zip64 = true, Zip64Offset = long.MaxValue }),
        Malformed("zip directory at byte 246: a number is beyond 63 bits", new ZipTail { Zip64 = true, Zip64Offset = -1 }),
        Malformed("zip directory at byte 181: no zip64 end record of the right length is where its locator says", new ZipTail { Zip64 = true, Zip64Offset = 181 }),
        Malformed("zip directory at byte 182: no zip64 end record of the right length is where its locator says", new ZipTail { Zip64 = true, Zip64Signature = 1 }),
        Malformed("zip directory at byte 182: no zip64 end record of the right length is where its locator says", new ZipTail { Zip64 = true, Zip64Size = 43 }),
        Malformed("zip directory at byte 182: no zip64 end record of the right length is where its locator says", new ZipTail { Zip64 = true, Zip64Size = long.MaxValue }),
        Malformed("zip directory at byte 214: a number is beyond 63 bits", new ZipTail { Zip64 = true, Count = -1 }),
        Malformed("zip directory at byte 222: a number is beyond 63 bits", new ZipTail { Zip64 = true, DirectorySize = -1 }),
        Malformed("zip directory at byte 230: a number is beyond 63 bits", new ZipTail { Zip64 = true, DirectoryOffset = -1 }),
    ];

    [Fact]
    public void A_zip_cut_off_anywhere_is_refused()
    {
        var zip = new ZipImage().Add(One).Add(Two).End(PyTorchZip.Tail).ToArray();
        for (var length = 0; length < zip.Length; length++)
        {
            ZipReading.AssertRefused(zip[..length], FailureKind.Malformed, $"zip directory at byte {length}: no end-of-directory record: the file is cut off, or no zip");
        }
    }

    [Fact]
    public void A_zip_with_bytes_before_it_is_refused() =>
        ZipReading.AssertRefused(
            [0, .. new ZipImage().Add(One).End().ToArray()],
            FailureKind.Malformed,
            "zip directory at byte 92: the directory is said to have 51 bytes from byte 40 on, but the end records start at byte 92");

    [Fact]
    public void A_directory_of_zeros_is_not_read_whole()
    {
        const int size = (104 << 20) + 1;
        using var folder = new WorkFolder();
        var image = new ZipImage();
        image.Bytes.Skip(size);
        image.End(new ZipTail { DirectoryOffset = 0, DirectorySize = size });
        using var source = SourceFile.Open(image.Bytes.Save(folder.At("zeros")));
        var refused = Assert.Throws<MigrationException>(() => ZipDirectory.Read(source));
        Assert.Equal("zip directory: what it lists takes more than 104 MiB of memory, as no checkpoint's does", refused.Message);
        Assert.Equal(FailureKind.Unsupported, refused.Kind);
    }

    [Fact]
    public void A_name_that_is_too_long_is_refused() =>
        ZipReading.AssertRefused(new ZipImage().Add(One with { Name = new string('n', 4097) }).End().ToArray(), FailureKind.Unsupported, "zip directory at byte 4132: a name of 4097 bytes, at most 4096 are read");

    [Fact]
    public void Names_and_headers_that_take_too_much_memory_are_refused()
    {
        // 10,000 names of 4,000 characters: 40 MB of directory, 80 MB of text, and 40 MB of local headers.
        var image = new ZipImage();
        foreach (var number in Enumerable.Range(10_000, 10_000))
        {
            image.Add(One with { Name = number + new string('n', 3_995) });
        }

        ZipReading.AssertRefused(image.End().ToArray(), FailureKind.Unsupported, "zip directory: what it lists takes more than 104 MiB of memory, as no checkpoint's does");
    }

    private static (FailureKind Kind, string Message, Func<ZipImage> Image) Unsupported(string message, ZipPart first, ZipPart second) =>
        (FailureKind.Unsupported, message, () => new ZipImage().Add(first).Add(second).End());

    private static (FailureKind Kind, string Message, Func<ZipImage> Image) Malformed(string message, ZipPart first, ZipPart second) =>
        (FailureKind.Malformed, message, () => new ZipImage().Add(first).Add(second).End());

    private static (FailureKind Kind, string Message, Func<ZipImage> Image) Malformed(string message, ZipTail tail) =>
        (FailureKind.Malformed, message, () => new ZipImage().Add(One).Add(Two).End(tail));
}
