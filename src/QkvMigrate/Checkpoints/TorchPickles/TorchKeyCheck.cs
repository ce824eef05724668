using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>
/// Refuses new names that would be the same as another key of their dict: whoever loads it gets the value that stands last, and
/// the other one is lost. What stands under the other key may be anything, so that tensors alone do not tell.
/// </summary>
internal static class TorchKeyCheck
{
    /// <summary>Looks at every dict of a pickle, at any depth, those in states of objects among them (<c>_metadata</c>).</summary>
    /// <param name="script">The pickle.</param>
    /// <param name="renames">The new names, by their places.</param>
    /// <exception cref="MigrationException">A dict would have a key twice.</exception>
    public static void Check(PickleScript script, IReadOnlyDictionary<int, string> renames)
    {
        var names = renames.Values.ToHashSet();
        if (!script.Strings.Any(text => names.Contains(text.Text)))
        {
            return;
        }

        foreach (var dictionary in TorchStateParts.Within([script.Read().Root.Node], _ => false).OfType<PickleMutable>())
        {
            var keys = dictionary.Entries.Select(entry => entry.Key).Where(key => key.Node is PickleString).ToList();
            var staying = keys.Where(key => !renames.ContainsKey(key.At)).Select(key => ((PickleString)key.Node).Text).ToHashSet();
            if (keys.Find(key => renames.TryGetValue(key.At, out var name) && staying.Contains(name)) is { Node: PickleString old } found)
            {
                throw new MigrationException(
                    FailureKind.Conflict,
                    $"its new name '{renames[found.At]}' is already a key beside it, and a dict has each key once; save the file without one of the two",
                    where: $"'{old.Text}'");
            }
        }
    }
}
