using System.IO.Hashing;
using CsCheck;
using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Files;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Tests.Checkpoints.TorchZip;

/// <summary>
/// Zips around 4 GiB − 1, from where on PyTorch's writer needs zip64 fields: an entry as large as that, and headers
/// that come to stand on the other side because the pickle before them grew or shrank. The files are sparse.
/// </summary>
public sealed class ZipRewriterBorderTests
{
    private const string Pickle = "stem/data.pkl";
    private const long Border = uint.MaxValue;

    private static readonly Gen<Case> Cases =
        from alignment in Gen.OneOf(1, 64, 64, 4096)
        from size in Gen.Int[1, 300]
        from newSize in Gen.Int[1, 300]
        from offset in Gen.Int[-500, 500]
        select new Case(alignment, size, newSize, Border + offset);

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1 << 20)]
    public void An_entry_of_4_GiB_keeps_its_headers(int more)
    {
        var zip = Huge([1, 2, 3], Border + more);
        AssertSame(zip, Rewrite(zip, []));
        AssertSame(Huge([3, 2, 1], Border + more), Rewrite(zip, [3, 2, 1]));
        AssertSame(zip, Rewrite(Rewrite(zip, new byte[200]), [1, 2, 3]));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    public void A_header_may_come_to_the_border_itself(int distance)
    {
        // Four bytes longer, and without alignment the header behind the pickle stands four bytes further on.
        var sample = new Case(alignment: 1, size: 5, newSize: 9, Border + distance - 4);
        var rewritten = Rewrite(sample.Zip, sample.NewPickle, sample.Alignment);
        Assert.Equal(Border + distance, Read(rewritten, directory => directory.ByName["stem/data/1"].HeaderOffset));
        AssertAsPyTorchWrites(rewritten, sample.Alignment);
        AssertSame(sample.Zip, Rewrite(rewritten, sample.Pickle, sample.Alignment));
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void A_header_may_come_to_either_side_of_the_border() => Cases.Sample(
        sample =>
        {
            var rewritten = Rewrite(sample.Zip, sample.NewPickle, sample.Alignment);
            AssertAsPyTorchWrites(rewritten, sample.Alignment);
            AssertSame(sample.Zip, Rewrite(rewritten, sample.Pickle, sample.Alignment));
        },
        threads: 1);

    [Fact]
    public void Python_finds_nothing_wrong() => Cases.Array[50].Sample(
        samples =>
        {
            using var folder = new WorkFolder();
            foreach (var (number, sample) in samples.Index())
            {
                Rewrite(sample.Zip, sample.NewPickle, sample.Alignment).Save(folder.At($"{number}"));
            }

            Assert.Equal(
                samples.Select(_ => "stem/data/0 stem/data.pkl stem/data/1 stem/data/2 stem/version"),
                Python.Lines("QkvMigrate.Tests/Checkpoints/TorchZip/check_zips.py", samples.Index().Select(sample => folder.At($"{sample.Index}"))));
        },
        iter: 1);

    [Fact]
    public void A_zip_without_zip64_records_does_not_grow_over_the_border()
    {
        var image = new ZipImage().Add(new ZipPart(Pickle, new byte[100])).Add(new ZipPart("stem/data/0", []) { Zeros = Border - 300 }).End();
        var refused = Assert.Throws<MigrationException>(() => Rewrite(image.Bytes, new byte[400]));
        Assert.Equal("zip directory: the zip has no zip64 records, which the new file would need", refused.Message);
        Assert.Equal(FailureKind.Unsupported, refused.Kind);
    }

    [Theory]
    [InlineData(ZipDescriptor.None)]
    [InlineData(ZipDescriptor.Narrow)]
    [InlineData(ZipDescriptor.SignedNarrow)]
    internal void An_entry_without_room_for_a_large_size_does_not_grow_to_one(ZipDescriptor descriptor) => Read(
        new ZipImage().Add(new ZipPart(Pickle, [1]) { Descriptor = descriptor }).End().Bytes,
        directory =>
        {
            const long size = Border + 1;
            var changes = new ZipChanges { Contents = { [directory.Entries[0]] = new(size, 0, builder => builder.Copy(directory.Source, 0, size)) } };
            var refused = Assert.Throws<MigrationException>(() => ZipRewriter.Rewrite(directory, changes, 64));
            Assert.Equal("zip entry 'stem/data.pkl': 4294967296 bytes need a zip64 field, which this zip's writer did not leave room for", refused.Message);
            Assert.Equal(FailureKind.Unsupported, refused.Kind);
            return true;
        });

    /// <summary>A pickle, an entry of so many bytes, and a small one.</summary>
    private static SparseBytes Huge(byte[] pickle, long size)
    {
        var image = new ZipImage();
        PyTorchZip.Add(image, Pickle, pickle);
        PyTorchZip.Add(image, "stem/data/0", [7], size - 1);
        PyTorchZip.Add(image, "stem/version", "3\n"u8.ToArray());
        return image.End(PyTorchZip.Tail).Bytes;
    }

    private static SparseBytes Rewrite(SparseBytes zip, byte[] pickle, int alignment = 64) => Read(zip, directory =>
    {
        var content = new ZipContent(pickle.Length, Crc32.HashToUInt32(pickle), builder => builder.Literal(pickle));
        var changes = new ZipChanges();
        if (pickle.Length > 0)
        {
            changes.Contents.Add(directory.ByName[Pickle], content);
        }

        return zip.Apply(ZipRewriter.Rewrite(directory, changes, alignment));
    });

    /// <summary>Which numbers are in zip64 fields follows from them; the data is aligned.</summary>
    private static void AssertAsPyTorchWrites(SparseBytes zip, int alignment) => Read(zip, directory =>
    {
        foreach (var entry in directory.Entries)
        {
            long[] sizes = entry.Size >= Border ? [entry.Size, 0] : [];
            long[] place = entry.HeaderOffset >= Border ? [entry.HeaderOffset] : [];
            var expected = PyTorchZip.Zip64([.. sizes, .. place]);
            Assert.Equal([.. expected, (byte)'F', (byte)'B'], entry.LocalHeader[(30 + entry.Name.Length)..].Span[..(expected.Length + 2)]);
            Assert.Equal(expected.Length > 0 ? 24 : 16, entry.DescriptorLength);
            Assert.Equal(0, entry.DataOffset % alignment);
        }

        return true;
    });

    private static T Read<T>(SparseBytes zip, Func<ZipDirectory, T> use)
    {
        using var folder = new WorkFolder();
        using var source = SourceFile.Open(zip.Save(folder.At("zip")));
        return use(ZipDirectory.Read(source));
    }

    private static void AssertSame(SparseBytes expected, SparseBytes actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.Equal(expected.NonZero(), actual.NonZero());
    }

    /// <summary>A large entry before the pickle, such that the header behind the pickle stands near <paramref name="place"/>.</summary>
    private sealed class Case(int alignment, int size, int newSize, long place)
    {
        public int Alignment => alignment;

        public byte[] Pickle { get; } = [.. Enumerable.Range(1, size).Select(value => (byte)value)];

        public byte[] NewPickle { get; } = [.. Enumerable.Range(1, newSize).Select(value => (byte)(value * 7))];

        public SparseBytes Zip
        {
            get
            {
                var image = UpToPickle(place - UpToPickle(0).Length);
                PyTorchZip.Add(image, "stem/data/1", [8, 9], alignment: alignment);
                PyTorchZip.Add(image, "stem/data/2", new byte[90], alignment: alignment);
                PyTorchZip.Add(image, "stem/version", "3\n"u8.ToArray(), alignment: alignment);
                return image.End(PyTorchZip.Tail).Bytes;
            }
        }

        private ZipImage UpToPickle(long zeros)
        {
            var image = new ZipImage();
            PyTorchZip.Add(image, "stem/data/0", [7], zeros, alignment);
            return PyTorchZip.Add(image, ZipRewriterBorderTests.Pickle, Pickle, alignment: alignment);
        }
    }
}
