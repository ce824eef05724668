using QkvMigrate.Pickling;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Tests.Pickling;

/// <summary>Entries are taken out of CPython's own pickles, and CPython says what is left.</summary>
public sealed class PickleRemovalTests
{
    [Fact]
    [Trait("Category", "Slow")]
    public void What_is_left_is_what_the_document_without_the_entry_is()
    {
        var samples = Python.Lines("QkvMigrate.Tests/Pickling/pickle_removals.py", []).Select(line => line.Split('|'))
            .Select(parts => (Name: parts[0], Pickle: Convert.FromHexString(parts[1]), Left: Convert.FromHexString(parts[2]))).ToList();
        Assert.Equal(13 * 6 * 2, samples.Count);

        var left = samples.ConvertAll(sample => Without(sample.Pickle));

        var judged = PickleRendering.ByPython(left.Select(pickle => pickle.Script.Bytes.ToArray()));
        Assert.Equal(samples.Count, judged.Count);
        foreach (var ((name, pickle, rest), document, text) in samples.Zip(left, judged))
        {
            var expected = PickleRendering.Text(rest);
            Assert.NotEqual(PickleRendering.Text(pickle), expected);
            Assert.True(expected == text, $"{name}: CPython loads something else");
            Assert.True(expected == PickleRendering.Text(document), $"{name}: something else is left");
            Assert.Empty(document.Script.Frames);
            Assert.DoesNotContain(document.Script.Strings, literal => literal.Text == "optimizer");
        }
    }

    [Fact]
    public void An_object_that_is_used_elsewhere_too_is_not_taken_out()
    {
        // {"optimizer": [], "model": <the same list>}, protocol 2.
        byte[] pickle = [0x80, 2, .. "}q\0(X\x09\0\0\0optimizerq\x01]q\x02X\x05\0\0\0modelq\x03h\x02u."u8];

        var refused = Assert.Throws<MigrationException>(() => Without(pickle));

        Assert.Equal("pickle at byte 37: what is to be taken out has an object in it that is used here, too", refused.Message);
        Assert.Equal(FailureKind.Unsupported, refused.Kind);
    }

    private static PickleDocument Without(byte[] pickle)
    {
        var document = PickleMachine.Run(pickle);
        return PickleRemoval.Apply(document, Dictionaries(document), entry => entry.Key.Node is PickleString { Text: "optimizer" });
    }

    private static List<PickleMutable> Dictionaries(PickleDocument document)
    {
        var found = new List<PickleMutable>();
        var pending = new Stack<PickleNode>([document.Root.Node]);
        while (pending.TryPop(out var node))
        {
            if (node is PickleMutable mutable && !found.Contains(mutable))
            {
                found.Add(mutable);
                foreach (var entry in mutable.Entries)
                {
                    pending.Push(entry.Value.Node);
                }
            }
        }

        return found;
    }
}
