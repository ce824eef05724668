using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning.Copies;

/// <summary>Tells names of parameters that the file's models explain from those that nothing explains.</summary>
internal sealed class StrangeNames
{
    /// <summary>Where the path of a block of LitGPT's starts: what stands before it is the wrapping of one model or another.</summary>
    private const string Blocks = "transformer.h.";

    /// <summary>What modules call their own parameters and buffers in a model of LitGPT's.</summary>
    private static readonly HashSet<string> Ends =
        [.. LayoutFamilies.Interleaved.Rules.Select(rule => rule.Suffix[(rule.Suffix.LastIndexOf('.') + 1)..]), "gating_factor", "cos", "sin"];

    private readonly HashSet<ContainerEntry> homes;
    private readonly Lazy<HashSet<string>> names;

    /// <summary>Takes the models of a file.</summary>
    /// <param name="models">The models.</param>
    /// <param name="staying">Those of their tensors whose rows do not move.</param>
    public StrangeNames(IEnumerable<ModelTensors> models, IEnumerable<TensorEntry> staying)
    {
        homes = [.. models.SelectMany(model => model.Tensors).Select(tensor => tensor.Container)];
        names = new(() => [.. staying.Named().Select(named => Core(named.Name))]);
    }

    /// <summary>Whether a tensor whose key is a name has one that nothing explains: in a model by its last word, elsewhere as a whole.</summary>
    public bool IsOne(TensorEntry tensor) =>
        tensor.Name is { Text: var name } && (homes.Contains(tensor.Container) ? !HasKnownEnd(name) : !IsKnown(name));

    /// <summary>Whether a name is that of a parameter of a model that is none of the fused ones.</summary>
    public bool IsKnown(string name) => names.Value.Contains(Core(name));

    /// <summary>Whether a name ends as those of LitGPT's parameters do.</summary>
    public static bool HasKnownEnd(string name) => Ends.GetAlternateLookup<ReadOnlySpan<char>>().Contains(name.AsSpan()[(name.LastIndexOf('.') + 1)..]);

    /// <summary>A name without wrappers and without what stands before its block.</summary>
    private static string Core(string name)
    {
        var bare = WrapperNames.Removed(name);
        return bare.IndexOf(Blocks, StringComparison.Ordinal) is > 0 and var start ? bare[start..] : bare;
    }
}
