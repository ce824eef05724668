using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Looks into the second file alone: no name of the old age may be left there with a tensor of any sort under it, whether
/// this tool can read that tensor or not, and names of both ages never stand together.
/// </summary>
internal static class LeftNames
{
    /// <summary>What a pickle puts between an object and its parts, and PyTorch between a module and its own.</summary>
    private static readonly HashSet<string> Joints = ["(state)", "(arguments)", "_modules", "_parameters", "_buffers"];

    /// <summary>Looks for such names.</summary>
    /// <param name="upgraded">The second file.</param>
    /// <param name="direction">The way; null where nothing changes.</param>
    /// <param name="log">Takes what is found.</param>
    public static void Find(Checkpoint upgraded, MigrationDirection? direction, DifferenceLog log)
    {
        var (legacy, current) = (Names(upgraded, legacy: true), Names(upgraded, legacy: false));
        if (legacy.FirstOrDefault() is { } old && current.FirstOrDefault() is { } young)
        {
            log.Add($"'{old}'", $"a name of the old layout, and '{young}' of the new one: names of both ages stand in one file");
        }

        if (direction is { } way)
        {
            foreach (var name in way == MigrationDirection.Upgrade ? legacy : current)
            {
                log.Add($"'{name}'", $"{way.ToString().ToLowerInvariant()}d, the file still has what is like a tensor under this name");
            }
        }
    }

    /// <summary>What is like a tensor, is none that can be read, and stands under a name of the given age, or below one.</summary>
    public static IEnumerable<OtherValue> Unmoved(Checkpoint checkpoint, bool legacy) =>
        checkpoint.OtherValues.Where(value => value.IsTensorLike && (FusedName.Find(value.Key, legacy) ?? FusedName.Find(Joined(value.Label), legacy)) is not null);

    /// <summary>The labels of all that is like a tensor under names of the given age.</summary>
    private static IEnumerable<string> Names(Checkpoint checkpoint, bool legacy) =>
        checkpoint.Tensors.Where(tensor => IsOf(tensor, legacy)).Select(tensor => tensor.Label)
            .Concat(Unmoved(checkpoint, legacy).Select(value => value.Label));

    private static bool IsOf(TensorEntry tensor, bool legacy) =>
        tensor.Name is { Text: var key } && (FusedName.Find(key, legacy) is not null || (IsOfModule(tensor) && FusedName.Find(Joined(tensor.Label), legacy) is not null));

    private static bool IsOfModule(TensorEntry tensor) => tensor.Container.Path.EndsWith("/_parameters", StringComparison.Ordinal) || tensor.Container.Path.EndsWith("/_buffers", StringComparison.Ordinal);

    private static string Joined(string label) => string.Join('.', label.Split('/').Where(step => !Joints.Contains(step)));
}
