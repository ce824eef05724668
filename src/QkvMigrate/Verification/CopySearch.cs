using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Tells what a tensor without a parameter's name is. It is a copy where it is a fused tensor once more, or where
/// <see cref="CopyJudgement"/> says so and it lies in its storage as a copy does; what looks at bytes of a parameter in another way is
/// none. What is no weight, and no copy as far as that proves it, is nothing.
/// </summary>
internal sealed class CopySearch
{
    private readonly HashSet<string> fusedShapes;
    private readonly HashSet<ElementView> fusedViews;
    private readonly HashSet<ElementView> otherViews;
    private readonly HashSet<StorageEntry> fusedStorages;
    private readonly ILookup<StorageEntry, TensorEntry> parameters;
    private readonly ViewOverlap overlap = new();
    private readonly FlatParameters flat;
    private readonly ReshapedFused reshaped;
    private readonly CopyPlacement placement;
    private readonly Lazy<CopyJudgement> judgement;
    private readonly Lazy<HashSet<string>> otherNames;

    /// <summary>Prepares for a file.</summary>
    /// <param name="file">The first file.</param>
    /// <param name="moving">Its fused tensors whose rows move.</param>
    /// <param name="models">Its models.</param>
    public CopySearch(Checkpoint file, List<FusedEntry> moving, List<List<TensorEntry>> models)
    {
        fusedShapes = [.. moving.Select(item => ParameterOrder.ShapeOf(item.Tensor))];
        fusedViews = [.. moving.Select(item => ElementView.Of(item.Tensor))];
        fusedStorages = [.. moving.Select(item => item.Tensor.Storage)];
        var named = models.SelectMany(model => model).Where(TensorNumbers.IsParameter).ToList();
        otherViews = [.. named.Select(ElementView.Of).Where(view => !fusedViews.Contains(view))];
        parameters = named.Where(tensor => tensor.ElementCount > 0).ToLookup(tensor => tensor.Storage);
        flat = new FlatParameters(models);
        reshaped = new ReshapedFused(
            moving.Select(item => item.Tensor).DistinctBy(ElementView.Of),
            models.SelectMany(ParameterOrder.Weights).Where(tensor => !fusedViews.Contains(ElementView.Of(tensor))));
        placement = new CopyPlacement(file, moving.Select(item => item.Tensor));
        judgement = new(() => new CopyJudgement(Orders(models, fusedViews, KeepsModelOrder(file.Format)), new NumberedTensors(file)));
        otherNames = new(() =>
        [
            .. from tensor in named
               where tensor.Name is not null && !fusedViews.Contains(ElementView.Of(tensor))
               select FromBlockOn(tensor.Name!.Text),
        ]);
    }

    /// <summary>Tells what a tensor is.</summary>
    public UnnamedTensor Of(TensorEntry tensor)
    {
        var isWeight = TensorNumbers.IsWeight(tensor);
        var (isFused, isOther) = (fusedViews.Contains(ElementView.Of(tensor)), otherViews.Contains(ElementView.Of(tensor)));
        if (isWeight && flat.Contain(tensor, isParameter: isOther) && !fusedStorages.Contains(tensor.Storage))
        {
            return UnnamedTensor.Flat;
        }

        var sequences = TensorNumbers.SequencesOf(tensor);
        var isOpen = isWeight && !isFused && !isOther && !IsCalledAsParameter(tensor, sequences);
        if (!fusedShapes.Contains(ParameterOrder.ShapeOf(tensor)))
        {
            var isPart = tensor.Name is null && TensorNumbers.IsNamed(tensor.Label);
            return isOpen && !isPart && reshaped.IsOne(tensor.Shape) && !LooksAtParameter(tensor) ? UnnamedTensor.Reshaped : UnnamedTensor.Other;
        }

        return sequences.Count == 0 ? isOpen ? UnnamedTensor.Word : UnnamedTensor.Other
            : isFused ? UnnamedTensor.Copy
            : isOther || LooksAtParameter(tensor) || IsInListOfParameter(tensor) ? UnnamedTensor.Other
            : Judged(tensor, sequences, isWeight);
    }

    /// <summary>Whether a value that is no tensor has floats that may be fused rows, which nobody can move.</summary>
    public bool MayBeFused(OtherValue value) =>
        value is { Sizes: { } sizes, MayBeFloats: true, IsTensorLike: true }
        && !TensorNumbers.IsNamed(value.Label)
        && (fusedShapes.Contains(string.Join('x', sizes)) || ((value.Kind != OtherValueKind.Numbers || sizes.Count > 2) && reshaped.IsOne(sizes)));

    private UnnamedTensor Judged(TensorEntry tensor, List<NumberSequence> sequences, bool isWeight)
    {
        var isCopy = judgement.Value.IsCopy(tensor, sequences);
        if (isCopy is true && !placement.IsRestOfStorage(tensor) && placement.IsAsCopy(tensor))
        {
            return UnnamedTensor.Copy;
        }

        return isWeight && isCopy is not false ? UnnamedTensor.Untold : UnnamedTensor.Other;
    }

    /// <summary>What a module calls its own parameter says that it is one, whatever the module is.</summary>
    private static bool IsCalledAsParameter(TensorEntry tensor, List<NumberSequence> sequences) =>
        sequences.Count == 0 && tensor.Name?.Text is "weight" or "bias" or "kernel" or "embedding" or "scale";

    private bool LooksAtParameter(TensorEntry tensor) => parameters[tensor.Storage].Any(parameter => overlap.IsBetween(tensor, parameter));

    /// <summary>Whether the list that it is in has the name of a parameter that stays.</summary>
    private bool IsInListOfParameter(TensorEntry tensor) =>
        tensor is { Name: null, Container.Key: { } key } && otherNames.Value.Contains(FromBlockOn(key.Text));

    /// <summary>A name from its block on, without wrappers: what stands before says whose model it is.</summary>
    private static string FromBlockOn(string name)
    {
        var bare = WrapperParts.Bare(name);
        var start = bare.IndexOf("transformer.h.", StringComparison.Ordinal);
        return start < 0 ? bare : bare[start..];
    }

    /// <summary>The parameters of the models, each order once. A safetensors file is sorted by name, so that its order says nothing.</summary>
    private static List<ParameterOrder> Orders(List<List<TensorEntry>> models, HashSet<ElementView> fusedViews, bool isOrdered) =>
    [
        .. models
            .Select(model => new ParameterOrder(
                ParameterOrder.Weights(model).Select(parameter => (ParameterOrder.ShapeOf(parameter), fusedViews.Contains(ElementView.Of(parameter)))),
                isOrdered))
            .DistinctBy(order => order.Text),
    ];

    /// <summary>Whether the tensors of a file stand in the order of the model's parameters.</summary>
    private static bool KeepsModelOrder(CheckpointFormat format) => format switch
    {
        CheckpointFormat.TorchZip or CheckpointFormat.TorchLegacy => true,
        CheckpointFormat.Safetensors => false,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "the verifier does not know the order of this format's tensors"),
    };
}
