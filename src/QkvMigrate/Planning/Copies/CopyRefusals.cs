using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Copies;

/// <summary>The refusals of what may be a copy of fused tensors, each with a way out.</summary>
/// <param name="checkpoint">The file.</param>
internal sealed class CopyRefusals(Checkpoint checkpoint)
{
    /// <summary>A copy whose rows cannot be moved, for what <paramref name="peculiarity"/> says.</summary>
    public MigrationException Peculiar(TensorEntry tensor, string peculiarity) => new(
        FailureKind.Unreadable,
        $"a copy of a fused tensor is no plain tensor and cannot follow its rows ({peculiarity}); {Remedy(tensor)}",
        where: $"tensor '{tensor.Label}'");

    /// <summary>What may hold all parameters.</summary>
    public MigrationException Flat(TensorEntry tensor) => new(
        FailureKind.Unsupported,
        $"a flat buffer of {tensor.ElementCount} elements holds the parameters one behind the other, "
        + $"and nothing says where the fused ones stand in it; {Remedy(tensor, tensor.Container.Path)}",
        where: $"tensor '{tensor.Label}'");

    /// <summary>What can be made of fused tensors, as <paramref name="form"/> says.</summary>
    public MigrationException InAnotherForm(TensorEntry tensor, string form) => new(
        FailureKind.Unsupported,
        $"by its shape ({string.Join(", ", tensor.Shape)}) it can be {form}, and nothing says whether their rows are to move; {Remedy(tensor)}",
        where: $"tensor '{tensor.Label}'");

    /// <summary>A value that is no tensor and can be made of fused ones.</summary>
    public static MigrationException Unmovable(OtherValue value) => new(
        FailureKind.Unreadable,
        $"{value.Description} can by its shape hold fused tensors, and its rows cannot be moved; "
        + $"{UnreadableAttention.Remedy(value.Kind)}, or the file without it",
        where: $"'{value.Label}'");

    /// <summary>A tensor of the fused shape that nothing proves to be a copy, or none.</summary>
    public MigrationException Unproven(TensorEntry tensor) => new(
        FailureKind.Unsupported,
        $"it has the shape ({string.Join(", ", tensor.Shape)}) of fused tensors and no name, "
        + $"and neither order nor shapes prove which parameter it is a copy of; {Remedy(tensor)}",
        where: $"tensor '{tensor.Label}'");

    /// <summary>A tensor that order and shapes take for a copy, and its place in the storage does not.</summary>
    public MigrationException OfSomethingElse(TensorEntry tensor, string what) => new(
        FailureKind.Unsupported,
        $"it has the shape ({string.Join(", ", tensor.Shape)}) of fused tensors and no name, and {what}: it may be a view of something else; {Remedy(tensor)}",
        where: $"tensor '{tensor.Label}'");

    private string Remedy(TensorEntry tensor) => Remedy(tensor, UnnamedTensors.Around(tensor) is [.., var outermost] ? outermost.Label : tensor.Label);

    private string Remedy(TensorEntry tensor, string place) =>
        checkpoint.Optimizers.Any(optimizer => tensor.Label.StartsWith(optimizer.Path.Length > 0 ? $"{optimizer.Path}/" : "", StringComparison.Ordinal))
            ? "--drop-optimizer leaves the optimizer out"
            : $"save the file without {(place.Length > 0 ? $"'{place}'" : "it")}, or with the parameters' names as keys";
}
