using QkvMigrate.Pickling;

namespace QkvMigrate.Tests.Pickling;

/// <summary>The keys of all dicts of a pickle, and what becomes of the pickle when they are renamed.</summary>
internal static class PickleKeys
{
    /// <summary>Every key that is a string, in the order of the document.</summary>
    public static IEnumerable<(int At, string Text)> Of(PickleDocument document)
    {
        var seen = new HashSet<PickleNode>();
        return Of(document.Root.Node);

        IEnumerable<(int, string)> Of(PickleNode node)
        {
            if (!seen.Add(node))
            {
                yield break;
            }

            var children = new List<PickleNode>();
            if (node is PickleTuple tuple)
            {
                children.AddRange(tuple.Items.Select(item => item.Node));
            }
            else if (node is PickleMutable mutable)
            {
                children.AddRange(mutable.Items.Select(item => item.Node));
                foreach (var entry in mutable.Entries)
                {
                    if (entry.Key.Node is PickleString key)
                    {
                        yield return (entry.Key.At, key.Text);
                    }

                    foreach (var inner in Of(entry.Value.Node))
                    {
                        yield return inner;
                    }
                }
            }

            foreach (var inner in children.SelectMany(Of))
            {
                yield return inner;
            }
        }
    }

    /// <summary>The pickle with the keys renamed for which <paramref name="rename"/> gives a new text, by their number in the document.</summary>
    public static byte[] Rename(byte[] pickle, Func<int, string, string?> rename)
    {
        var document = PickleMachine.Run(pickle);
        var renames = Of(document)
            .Select((key, number) => (key.At, Text: rename(number, key.Text)))
            .Where(key => key.Text is not null)
            .ToDictionary(key => key.At, key => key.Text!);
        return PickleEditor.Apply(document.Script, PickleRename.Plan(document.Script, renames));
    }
}
