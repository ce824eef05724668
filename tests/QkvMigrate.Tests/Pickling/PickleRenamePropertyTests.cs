using CsCheck;
using Xunit;

namespace QkvMigrate.Tests.Pickling;

/// <summary>Random documents in which strings are shared between keys and values, and random keys of them renamed.</summary>
public sealed class PickleRenamePropertyTests
{
    /// <summary>Each string as the one object that a document shares, and its new text: shorter, longer, across 256 bytes, in and out of ASCII.</summary>
    private static readonly (string Old, string New)[] Names =
    [
        ("h.0.attn.attn.weight", "h.0.attn.qkv.weight"),
        ("h.1.attn.attn.weight", "h.1.attn.qkv.weight"),
        ("", "no longer empty"),
        ("a", "\n"),
        ("it's \"quoted\" \\", "it's"),
        ("\u00e9\u20ac\U0001f600", "e"),
        ("e'", "\U0001f600\\u0041"),
        (new string('x', 255), new string('x', 256)),
        (new string('y', 256), new string('y', 255)),
        (new string('z', 300), "z"),
        (string.Concat(Enumerable.Repeat("\u20ac", 85)), string.Concat(Enumerable.Repeat("\u20ac", 86))),
    ];

    private static readonly Gen<object> Text = Gen.OneOf(Names.Select(name => Gen.Const<object>(name.Old)).ToArray());

    private static readonly Gen<object> Leaf = Gen.Frequency((3, Text), (1, Gen.Int.Select(number => (object)number)));

    private static readonly Gen<object> Document = Gen.Recursive<object>((depth, inner) => depth > 3
        ? Leaf
        : Gen.Frequency(
            (1, Leaf),
            (2, inner.List[0, 6].Select(list => (object)list)),
            (3, Gen.Select(Leaf, inner).Array[0, 6].Select(entries => (object)new PickledDict([.. entries.DistinctBy(entry => entry.Item1)])))));

    private static readonly Gen<Case> Cases =
        from document in Document
        from protocol in Gen.Int[0, 5]
        from chosen in Gen.ULong
        select new Case(document, protocol, chosen);

    [Fact]
    public void The_tree_is_the_originals_with_those_keys_changed() =>
        Cases.Sample(sample => Assert.Equal(PickleRendering.Text(sample.WrittenWithNewKeys()), PickleRendering.Text(sample.Renamed())));

    [Fact]
    public void The_inverse_gives_the_original_bytes() =>
        Cases.Sample(sample => Assert.Equal(sample.Pickle, PickleKeys.Rename(sample.Renamed(), sample.OldText)));

    [Fact]
    [Trait("Category", "Slow")]
    public void CPython_sees_the_same_tree() =>
        Cases.Array[300].Sample(
            samples => Assert.Equal(
                samples.Select(sample => PickleRendering.Text(sample.WrittenWithNewKeys())),
                PickleRendering.ByPython(samples.Select(sample => sample.Renamed()))),
            iter: 1);

    /// <summary>A document in a protocol, and the keys that are renamed: the bits of a number, over and over.</summary>
    private sealed record Case(object Document, int Protocol, ulong Chosen)
    {
        public byte[] Pickle { get; } = PickleWriter.Write(Document, Protocol);

        public byte[] Renamed() => PickleKeys.Rename(Pickle, (number, text) =>
            IsChosen(number) ? Names.Single(name => name.Old == text).New : null);

        public string? OldText(int number, string text) => IsChosen(number) ? Names.Single(name => name.New == text).Old : null;

        /// <summary>The document with the new keys from the start.</summary>
        public byte[] WrittenWithNewKeys()
        {
            var number = 0;
            return PickleWriter.Write(Changed(Document), Protocol);

            object Changed(object value) => value switch
            {
                List<object> list => list.Select(Changed).ToList(),
                PickledDict dictionary => new PickledDict([.. dictionary.Entries.Select(entry => (NewKey(entry.Key), Changed(entry.Value)))]),
                _ => value,
            };

            object NewKey(object key) => key is string text && IsChosen(number++) ? Names.Single(name => name.Old == text).New : key;
        }

        private bool IsChosen(int number) => (Chosen >> (number % 64) & 1) == 1;
    }
}
