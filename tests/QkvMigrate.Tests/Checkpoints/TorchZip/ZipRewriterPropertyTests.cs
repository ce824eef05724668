using CsCheck;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Tests.Checkpoints.TorchZip;

/// <summary>Random zips as PyTorch writes them, the pickle anywhere in them, longer or shorter than before by up to 100,000 bytes.</summary>
[Trait("Category", "Slow")]
public sealed class ZipRewriterPropertyTests
{
    private const string Pickle = "stem/data.pkl";

    private static readonly Gen<Case> Cases =
        from alignment in Gen.OneOf(64, 1, 2, 100, 512, 4096)
        from before in Gen.Int[0, 300].Array[0, 3]
        from behind in Gen.Int[0, 300].Array[0, 4]
        from size in Gen.Frequency((3, Gen.Int[1, 300]), (1, Gen.Int[1, 100_000]))
        from newSize in Gen.Frequency((3, Gen.Int[1, 300]), (2, Gen.Int[1, 100_000]), (1, Gen.Int[65_000, 66_000]))
        from storages in Gen.Bool
        from counted in Gen.Bool
        select new Case(alignment, before, behind, size, newSize, storages, counted);

    [Fact]
    public void The_new_zip_holds_what_it_should() => Cases.Sample(sample =>
    {
        var entries = ZipReading.Entries(sample.Rewritten());
        Assert.Equal(sample.Names, entries.Select(entry => entry.Entry.Name));
        Assert.Equal(sample.Names.Select(name => sample.Changes.GetValueOrDefault(name) ?? sample.Original[name]), entries.Select(entry => entry.Bytes));
    });

    [Fact]
    public void Data_stays_aligned_and_keeps_its_place_where_padding_can_take_up_the_change() => Cases.Sample(sample =>
    {
        var old = ZipReading.Entries(sample.Zip).Select(entry => entry.Entry).ToList();
        var rewritten = ZipReading.Entries(sample.Rewritten()).Select(entry => entry.Entry).ToList();
        Assert.All(rewritten, entry => Assert.Equal(0, entry.DataOffset % sample.Alignment), throwIfEmpty: true);
        Assert.Equal(old.Select(entry => entry.Name), rewritten.Select(entry => entry.Name));
        var changed = old.FindIndex(entry => entry.Name == Pickle);

        // Up to the pickle's own first byte nothing moves.
        Assert.Equal(old.Take(changed + 1).Select(entry => entry.DataOffset), rewritten.Take(changed + 1).Select(entry => entry.DataOffset));
        if (changed + 1 == old.Count)
        {
            return;
        }

        var next = rewritten[changed + 1];
        var padding = old[changed + 1].DataOffset - (next.HeaderOffset + 30 + next.Name.Length + 4);
        if (padding is >= 0 and <= ushort.MaxValue - 4)
        {
            Assert.Equal(old.Select(entry => entry.DataOffset), rewritten.Select(entry => entry.DataOffset));
        }
        else
        {
            // All that follows moves as one: padding that PyTorch would not write stands before the next entry alone.
            Assert.Single(rewritten.Zip(old, (entry, was) => entry.DataOffset - was.DataOffset).Skip(changed + 1).Distinct());
        }
    });

    [Fact]
    public void Several_entries_may_change_their_size() => Cases.Sample(sample =>
    {
        var rewritten = ZipRewriting.Rewrite(sample.Zip, sample.Resized, sample.Alignment, sample.Counted);
        var entries = ZipReading.Entries(rewritten);
        Assert.Equal(sample.Names.Select(name => sample.Resized.GetValueOrDefault(name) ?? sample.Original[name]), entries.Select(entry => entry.Bytes));
        Assert.All(entries, entry => Assert.Equal(0, entry.Entry.DataOffset % sample.Alignment), throwIfEmpty: true);
    });

    [Fact]
    public void The_way_back_gives_the_same_bytes() => Cases.Sample(sample =>
        Assert.Equal(sample.Zip, ZipRewriting.Rewrite(sample.Rewritten(), sample.Original.Where(entry => sample.Changes.ContainsKey(entry.Key)).ToDictionary(), sample.Alignment, sample.Counted)));

    [Theory]
    [InlineData(0, 5, true)]
    [InlineData(0, 5, false)]
    [InlineData(5, 0, true)]
    [InlineData(5, 0, false)]
    public void An_entry_may_become_empty_or_cease_to_be(int size, int newSize, bool counted)
    {
        var sample = new Case(alignment: 64, [3], [7], size, newSize, storages: false, counted);
        Assert.Equal(newSize, ZipReading.Entries(sample.Rewritten())[1].Bytes.Length);
        Assert.Equal(sample.Zip, ZipRewriting.Rewrite(sample.Rewritten(), new Dictionary<string, byte[]> { [Pickle] = sample.Original[Pickle] }, 64, counted));
    }

    [Fact]
    public void Without_a_change_the_bytes_stay() => Cases.Sample(sample =>
        Assert.Equal(sample.Zip, ZipRewriting.Rewrite(sample.Zip, new Dictionary<string, byte[]>(), sample.Alignment)));

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
                samples.Select(sample => string.Join(' ', sample.Names)),
                Python.Lines("QkvMigrate.Tests/Checkpoints/TorchZip/check_zips.py", samples.Index().Select(sample => folder.At($"{sample.Index}"))));
        },
        iter: 1);

    /// <summary>A zip with entries of some sizes before and behind its pickle, and the changes that are made in it.</summary>
    private sealed class Case
    {
        public Case(int alignment, int[] before, int[] behind, int size, int newSize, bool storages, bool counted)
        {
            Alignment = alignment;
            Counted = counted;
            var entries = before.Index().Select(entry => ($"stem/data/{entry.Index}", entry.Item))
                .Append((Pickle, size))
                .Concat(behind.Index().Select(entry => ($"stem/data/{100 + entry.Index}", entry.Item)));
            var image = new ZipImage();
            foreach (var (name, length) in entries)
            {
                var bytes = Bytes(name, length);
                Original.Add(name, bytes);
                PyTorchZip.Add(image, name, bytes, alignment: alignment);
            }

            Zip = image.End(PyTorchZip.Tail).ToArray();
            Changes.Add(Pickle, Bytes("new", newSize));
            foreach (var storage in Original.Where(entry => storages && entry.Value.Length % 2 == 1 && entry.Key != Pickle))
            {
                Changes.Add(storage.Key, [.. storage.Value.Reverse()]);
                Resized.Add(storage.Key, Bytes("resized", storage.Value.Length * newSize % 1000));
            }

            Resized.Add(Pickle, Changes[Pickle]);
        }

        public int Alignment { get; }

        public bool Counted { get; }

        public byte[] Zip { get; }

        public OrderedDictionary<string, byte[]> Original { get; } = [];

        /// <summary>A pickle of another size, and storages of the same.</summary>
        public Dictionary<string, byte[]> Changes { get; } = [];

        /// <summary>All of them of another size.</summary>
        public Dictionary<string, byte[]> Resized { get; } = [];

        public IEnumerable<string> Names => Original.Keys;

        public byte[] Rewritten() => ZipRewriting.Rewrite(Zip, Changes, Alignment, Counted);

        private static byte[] Bytes(string name, int length)
        {
            var bytes = new byte[length];
            new Random(name.Length + length).NextBytes(bytes);
            return bytes;
        }
    }
}
