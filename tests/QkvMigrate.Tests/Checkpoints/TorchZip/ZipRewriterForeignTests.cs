using System.IO.Hashing;
using CsCheck;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Tests.Checkpoints.TorchZip;

/// <summary>Zips by other writers than PyTorch's: no padding, and every form of headers and descriptors that the format allows.</summary>
public sealed class ZipRewriterForeignTests
{
    [Fact]
    public void Data_that_cannot_be_aligned_beside_other_fields_is_refused()
    {
        // All of the local header's extra area is taken, but for ten bytes of padding.
        var image = PyTorchZip.Add(new ZipImage(), "stem/data.pkl", [1, 2, 3]);
        const int others = ushort.MaxValue - 4 - 10;
        var name = Enumerable.Range(1, 64).Select(length => $"stem/data/{new string('0', length)}").First(name => Pad(image.Length, name, others) <= 10);
        image.Add(new ZipPart(name, [7]) { LocalExtra = [0x41, 0x41, .. BitConverter.GetBytes((ushort)(others - 4)), .. new byte[others - 4], .. PyTorchZip.Padding(Pad(image.Length, name, others))] });
        var zip = image.End(PyTorchZip.Tail).ToArray();
        Assert.Equal(zip, ZipRewriting.Rewrite(zip, new Dictionary<string, byte[]>()));

        var refused = Assert.Throws<MigrationException>(() => ZipRewriting.Rewrite(zip, new Dictionary<string, byte[]> { ["stem/data.pkl"] = new byte[30] }));

        Assert.Equal($"zip entry '{name}': its extra fields leave no room to align its bytes at 64", refused.Message);
        Assert.Equal(FailureKind.Unsupported, refused.Kind);

        static int Pad(long offset, string name, int others) => (int)((64 - ((offset + 30 + name.Length + others + 4) % 64)) % 64);
    }

    private const string Pickle = "stem/data.pkl";
    private const uint Escape = uint.MaxValue;

    private static readonly Gen<Form> Forms =
        from descriptor in Gen.OneOf(Enum.GetValues<ZipDescriptor>())
        from headerIsFilled in Gen.Bool
        from local64 in Gen.Bool
        from central64 in Gen.Int[0, 3]
        from extra in Gen.Bool
        from comment in Gen.Bool
        select new Form(descriptor, headerIsFilled, local64, central64, extra, comment);

    private static readonly Gen<Case> Cases =
        from forms in Forms.Array[1, 5]
        from sizes in Gen.Int[1, 300].Array[5]
        from pickle in Gen.Int[0, forms.Length - 1]
        from newSize in Gen.Int[1, 70_000]
        from zip64 in Gen.Bool
        from escaped in Gen.Bool
        from comment in Gen.Bool
        from counted in Gen.Bool
        select new Case(forms, sizes, pickle, newSize, new ZipTail { Zip64 = zip64, Escaped = zip64 && escaped, Comment = comment ? "a comment" : "" }, counted);

    [Fact]
    [Trait("Category", "Slow")]
    public void The_new_zip_holds_what_it_should() => Cases.Sample(sample =>
    {
        var entries = ZipReading.Entries(sample.Rewritten());
        Assert.Equal(sample.Original.Keys, entries.Select(entry => entry.Entry.Name));
        Assert.Equal(sample.Original.Select(entry => entry.Key == Pickle ? sample.Changed : entry.Value), entries.Select(entry => entry.Bytes));
    });

    [Fact]
    public void The_way_back_gives_the_same_bytes() => Cases.Sample(sample =>
        Assert.Equal(sample.Zip, ZipRewriting.Rewrite(sample.Rewritten(), new Dictionary<string, byte[]> { [Pickle] = sample.Original[Pickle] }, counted: sample.Counted)));

    [Fact]
    public void Without_a_change_the_bytes_stay() => Cases.Sample(sample =>
        Assert.Equal(sample.Zip, ZipRewriting.Rewrite(sample.Zip, new Dictionary<string, byte[]>())));

    [Fact]
    public void Headers_keep_their_length() => Cases.Sample(sample =>
    {
        var old = ZipReading.Entries(sample.Zip).Select(entry => entry.Entry);
        var rewritten = ZipReading.Entries(sample.Rewritten()).Select(entry => entry.Entry);
        Assert.Equal(
            old.Select(entry => (entry.LocalHeader.Length, entry.DescriptorLength, entry.CentralHeader.Length)),
            rewritten.Select(entry => (entry.LocalHeader.Length, entry.DescriptorLength, entry.CentralHeader.Length)));
    });

    [Fact]
    public void Python_finds_nothing_wrong() => Cases.Array[200].Sample(
        samples =>
        {
            using var folder = new WorkFolder();
            foreach (var (number, sample) in samples.Index())
            {
                File.WriteAllBytes(folder.At($"{number}"), sample.Rewritten());
            }

            Assert.Equal(
                samples.Select(sample => string.Join(' ', sample.Original.Keys)),
                Python.Lines("QkvMigrate.Tests/Checkpoints/TorchZip/check_zips.py", samples.Index().Select(sample => folder.At($"{sample.Index}"))));
        },
        iter: 1);

    /// <summary>How a writer lays down an entry.</summary>
    /// <param name="Descriptor">Behind the bytes.</param>
    /// <param name="HeaderIsFilled">With a descriptor: whether the local header has checksum and sizes nevertheless.</param>
    /// <param name="Local64">Whether the sizes of the local header stand in a zip64 field.</param>
    /// <param name="Central64">How many of the directory's three numbers stand in a zip64 field.</param>
    /// <param name="Extra">Whether there is an extra field of another kind.</param>
    /// <param name="Comment">Whether the directory has a comment.</param>
    private sealed record Form(ZipDescriptor Descriptor, bool HeaderIsFilled, bool Local64, int Central64, bool Extra, bool Comment)
    {
        private static readonly byte[] Timestamp = [0x55, 0x54, 5, 0, 1, 1, 2, 3, 4];

        public ZipPart Part(string name, byte[] bytes, long offset)
        {
            var filled = Descriptor == ZipDescriptor.None || HeaderIsFilled;
            var size = filled ? bytes.Length : 0;
            return new ZipPart(name, bytes)
            {
                Descriptor = Descriptor,
                LocalCrc = filled ? Crc32.HashToUInt32(bytes) : 0,
                LocalSize = Local64 ? Escape : (uint)size,
                LocalCompressedSize = Local64 ? Escape : (uint)size,
                LocalExtra = [.. Extra ? Timestamp : [], .. Local64 ? PyTorchZip.Zip64(size, size) : []],
                CentralSize = Central64 > 0 ? Escape : null,
                CentralCompressedSize = Central64 > 1 ? Escape : null,
                CentralOffset = Central64 > 2 ? Escape : null,
                CentralExtra = [.. Extra ? Timestamp : [], .. PyTorchZip.Zip64([.. new[] { bytes.Length, bytes.Length, offset }.Take(Central64)])],
                CentralComment = Comment ? $"about {name}" : "",
            };
        }
    }

    private sealed class Case
    {
        public Case(Form[] forms, int[] sizes, int pickle, int newSize, ZipTail tail, bool counted)
        {
            var image = new ZipImage();
            foreach (var (number, form) in forms.Index())
            {
                var name = number == pickle ? Pickle : $"stem/data/{number}";
                var bytes = Bytes(number, sizes[number]);
                Original.Add(name, bytes);
                image.Add(form.Part(name, bytes, image.Length));
            }

            Zip = image.End(tail).ToArray();
            Changed = Bytes(forms.Length, newSize);
            Counted = counted;
        }

        public byte[] Zip { get; }

        public bool Counted { get; }

        public byte[] Changed { get; }

        public OrderedDictionary<string, byte[]> Original { get; } = [];

        public byte[] Rewritten() => ZipRewriting.Rewrite(Zip, new Dictionary<string, byte[]> { [Pickle] = Changed }, counted: Counted);

        private static byte[] Bytes(int seed, int length)
        {
            var bytes = new byte[length];
            new Random(seed).NextBytes(bytes);
            return bytes;
        }
    }
}
