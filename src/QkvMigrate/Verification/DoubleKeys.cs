using QkvMigrate.Pickling;

namespace QkvMigrate.Verification;

/// <summary>
/// Finds dicts of which two keys become one by the new names. Instruction by instruction the second pickle is then what it must be,
/// and loading it loses a value.
/// </summary>
internal static class DoubleKeys
{
    /// <summary>Goes through all that the first pickle makes.</summary>
    /// <param name="pickle">The first file's pickle.</param>
    /// <param name="renames">The new names by the places of the old ones.</param>
    /// <param name="log">Takes what is found.</param>
    public static void Find(PickleScript pickle, IReadOnlyDictionary<int, string> renames, DifferenceLog log)
    {
        var after = renames.Values.ToHashSet();
        if (!pickle.Strings.Any(text => after.Contains(text.Text)))
        {
            return;
        }

        var seen = new HashSet<PickleNode>();
        var open = new Queue<PickleNode>([pickle.Read().Root.Node]);
        while (open.TryDequeue(out var node))
        {
            if (!seen.Add(node))
            {
                continue;
            }

            if (node is PickleTuple tuple)
            {
                tuple.Items.ToList().ForEach(item => open.Enqueue(item.Node));
            }
            else if (node is PickleMutable mutable)
            {
                Compare(mutable, renames, log);
                var parts = mutable.Items.Concat(mutable.Entries.SelectMany(entry => (PickleItem[])[entry.Key, entry.Value])).Select(item => item.Node);
                foreach (var part in parts.Concat(Hidden(mutable)))
                {
                    open.Enqueue(part);
                }
            }
        }
    }

    private static void Compare(PickleMutable dictionary, IReadOnlyDictionary<int, string> renames, DifferenceLog log)
    {
        var keys = (from entry in dictionary.Entries
                    let text = (entry.Key.Node as PickleString)?.Text
                    where text is not null
                    select (Before: text, After: renames.GetValueOrDefault(entry.Key.At, text))).ToList();
        foreach (var key in keys.GroupBy(key => key.After).Where(group => group.Select(key => key.Before).Distinct().Skip(1).Any()))
        {
            log.Add($"'{key.Key}'", $"'{string.Join("' and '", key.Select(item => item.Before).Distinct())}' of one dict are both this key, and loading keeps one of their values");
        }
    }

    /// <summary>What an object was made of, and what was set on it.</summary>
    private static IEnumerable<PickleNode> Hidden(PickleMutable mutable)
    {
        if (mutable.State is { } state)
        {
            yield return state.Node;
        }

        if (mutable is PickleObject made)
        {
            yield return made.Arguments;
        }
    }
}
