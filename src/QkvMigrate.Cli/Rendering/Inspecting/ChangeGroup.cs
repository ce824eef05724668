using QkvMigrate.Layouts;
using QkvMigrate.Planning;

namespace QkvMigrate.Cli.Rendering.Inspecting;

/// <summary>Tensors that change in the same way and whose names differ in numbers alone: one tensor of each layer.</summary>
/// <param name="Names">Their names, with the numbers that differ as a range: <c>transformer.h.0-31.attn.attn.weight</c>.</param>
/// <param name="NewName">The end of their new names, or null where they keep them.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Kind">Element type and shape.</param>
/// <param name="Change">What happens to their rows.</param>
internal sealed record ChangeGroup(string Names, string? NewName, int Count, string Kind, string Change)
{
    /// <summary>The groups of a plan, in the plan's order.</summary>
    public static IReadOnlyList<ChangeGroup> Of(MigrationPlan plan) =>
        [.. plan.Moves.GroupBy(move => (Pattern: Pattern(move.Tensor.Label), NewName: Ending(move.NewName), Kind: Describe(move), Change: Treatment(move)))
            .Select(
                group => new ChangeGroup(Range(group.Select(move => move.Tensor.Label)), group.Key.NewName, group.Count(), group.Key.Kind, group.Key.Change))];

    /// <summary>What happens to a tensor beside its name.</summary>
    public static string Treatment(TensorMove move) =>
        move.NewShape is { } shape ? $"expanded to ({string.Join(", ", shape)})"
        : move.Blocks.Count == 0 ? "renamed"
        : "rows reordered";

    private static string Describe(TensorMove move) => $"{move.Tensor.DType} ({string.Join(", ", move.Tensor.Shape)})";

    private static string? Ending(string? name) =>
        name is not null && FusedNames.TrySplit(name, LayoutFamilies.Sequential.Module, out _, out var suffix)
            ? $"{LayoutFamilies.Sequential.Module}.{suffix}"
            : name;

    private static string Pattern(string name) => string.Join('.', name.Split('.').Select(part => IsNumber(part) ? "0" : part));

    /// <summary>The names, which have the same pattern, as one: each number that differs as the smallest and the largest.</summary>
    private static string Range(IEnumerable<string> names)
    {
        var split = names.Select(name => name.Split('.')).ToList();
        return string.Join('.', split[0].Select((part, i) => IsNumber(part) ? Span([.. split.Select(parts => parts[i]).Distinct()]) : part));
    }

    private static string Span(List<string> numbers) =>
        numbers.Count == 1 ? numbers[0] : $"{numbers.MinBy(long.Parse)}-{numbers.MaxBy(long.Parse)}";

    /// <summary>Layers are counted in few digits; what is longer is a name.</summary>
    private static bool IsNumber(string part) => part.Length is > 0 and < 10 && part.All(char.IsAsciiDigit);
}
