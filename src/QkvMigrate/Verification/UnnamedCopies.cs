using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Finds the copies of fused tensors that have a number and no name: averages, master weights, slow weights, lists of
/// parameters. A tensor is one where it is a fused tensor once more, or where <see cref="CopyJudgement"/> says so and it lies in
/// its storage as a copy does; what looks at bytes of a parameter in another way is none. What looks like a copy and cannot be
/// told from one is a difference: it is not verified.
/// </summary>
/// <param name="file">The first file.</param>
/// <param name="fused">Its fused tensors.</param>
/// <param name="models">Its models.</param>
/// <param name="leavesWords">Whether what has a word for a name stays as it is, rather than being what cannot be told.</param>
/// <param name="log">Takes what cannot be told.</param>
internal sealed class UnnamedCopies(Checkpoint file, List<FusedEntry> fused, Lazy<List<List<TensorEntry>>> models, bool leavesWords, DifferenceLog log)
{
    /// <summary>The copies, each with a fused tensor whose rows stand as its own do.</summary>
    public List<(TensorEntry Copy, FusedEntry Owner)> Find()
    {
        var found = new List<(TensorEntry, FusedEntry)>();
        var moving = fused.FindAll(item => item is { IsKnown: true, Axis: { IsPacked: false } });
        if (moving.Count == 0 || !(file.Tensors.Any(TensorNumbers.IsUnnamedWeight) || file.OtherValues.Any(value => value.Sizes is not null)))
        {
            return found;
        }

        var owners = moving.GroupBy(item => ParameterOrder.ShapeOf(item.Tensor)).ToDictionary(group => group.Key, group => group.First());
        var fusedViews = moving.Select(item => ElementView.Of(item.Tensor)).ToHashSet();
        var otherViews = models.Value
            .SelectMany(model => model)
            .Where(TensorNumbers.IsParameter)
            .Select(ElementView.Of)
            .Where(view => !fusedViews.Contains(view))
            .ToHashSet();
        var overlap = new ViewOverlap();
        var parameters = models.Value
            .SelectMany(model => model)
            .Where(tensor => TensorNumbers.IsParameter(tensor) && tensor.ElementCount > 0)
            .ToLookup(tensor => tensor.Storage);
        var fusedStorages = moving.Select(item => item.Tensor.Storage).ToHashSet();
        var flat = new FlatParameters(models.Value);
        var reshaped = new ReshapedFused(
            moving.Select(item => item.Tensor).DistinctBy(ElementView.Of),
            models.Value.SelectMany(ParameterOrder.Weights).Where(tensor => !fusedViews.Contains(ElementView.Of(tensor))));
        var placement = new CopyPlacement(file);
        var judgement = new Lazy<CopyJudgement>(() => new CopyJudgement(Orders(fusedViews), new NumberedTensors(file)));
        foreach (var tensor in Unexplained())
        {
            var view = ElementView.Of(tensor);
            if (flat.Contain(tensor, isParameter: otherViews.Contains(view)) && !fusedStorages.Contains(tensor.Storage))
            {
                log.Add(
                    $"tensor '{tensor.Label}'",
                    "it may hold all parameters in one row, and where the fused ones stand in it cannot be told, so it is not verified");
                continue;
            }

            var isOwn = fusedViews.Contains(view) || otherViews.Contains(view);
            var sequences = TensorNumbers.SequencesOf(tensor);

            // What a module calls its own parameter says that it is one, whatever the module is.
            var isModules = sequences.Count == 0 && tensor.Name?.Text is "weight" or "bias" or "kernel" or "embedding" or "scale";
            if (!owners.TryGetValue(ParameterOrder.ShapeOf(tensor), out var owner))
            {
                var isNamed = isModules || (tensor.Name is null && TensorNumbers.IsNamed(tensor.Label));
                if (!isOwn && !isNamed && reshaped.IsOne(tensor.Shape) && !LooksAtParameter(tensor))
                {
                    log.Add(
                        $"tensor '{tensor.Label}'",
                        "by its shape it can be made of fused tensors, and whether their rows must move cannot be told, so it is not verified");
                }

                continue;
            }

            if (sequences.Count == 0)
            {
                if (!isOwn && !isModules && !leavesWords)
                {
                    log.Add(
                        $"tensor '{tensor.Label}'",
                        "it has the shape of a fused tensor and a word for a name, and whether it is a copy of one cannot be told, so it is not verified");
                }

                continue;
            }

            bool? isCopy;
            if (fusedViews.Contains(view))
            {
                isCopy = true;
            }
            else if (otherViews.Contains(view) || LooksAtParameter(tensor))
            {
                isCopy = false;
            }
            else
            {
                isCopy = judgement.Value.IsCopy(tensor, sequences);
                if (isCopy is true && (placement.IsRestOfStorage(tensor) || !moving.Exists(item => CopyPlacement.LiesAsCopy(tensor, item.Tensor))))
                {
                    isCopy = null;
                }
            }

            if (isCopy is null)
            {
                log.Add(
                    $"tensor '{tensor.Label}'",
                    "it has the shape of a fused tensor and no name, and which parameter it is a copy of cannot be told, so it is not verified");
            }
            else if (isCopy.Value)
            {
                found.Add((tensor, owner));
            }
        }

        foreach (var value in file.OtherValues.Where(MayHoldFused))
        {
            log.Add(
                $"'{value.Label}'",
                $"{value.Description} can by its shape hold fused tensors, and whether their rows must move cannot be told, so it is not verified");
        }

        return found;

        bool LooksAtParameter(TensorEntry tensor) => parameters[tensor.Storage].Any(parameter => overlap.IsBetween(tensor, parameter));

        bool MayHoldFused(OtherValue value) =>
            value.Sizes is { } sizes && !TensorNumbers.IsNamed(value.Label) && (owners.ContainsKey(string.Join('x', sizes)) || reshaped.IsOne(sizes));
    }

    /// <summary>The tensors that may be copies: neither fused by their names, nor kept by an optimizer.</summary>
    private IEnumerable<TensorEntry> Unexplained()
    {
        var named = fused.Select(item => item.Tensor).ToHashSet<TensorEntry>(ReferenceEqualityComparer.Instance);
        var states = file.Optimizers.SelectMany(optimizer => optimizer.StateContainers).ToHashSet();
        return file.Tensors.Where(tensor => TensorNumbers.IsUnnamedWeight(tensor) && !named.Contains(tensor) && !states.Contains(tensor.Container));
    }

    /// <summary>The parameters of the models, each order once. A safetensors file is sorted by name, so that its order says nothing.</summary>
    private List<ParameterOrder> Orders(HashSet<ElementView> fusedViews) =>
    [
        .. models.Value
            .Select(model => new ParameterOrder(
                ParameterOrder.Weights(model).Select(parameter => (ParameterOrder.ShapeOf(parameter), fusedViews.Contains(ElementView.Of(parameter)))),
                isOrdered: KeepsModelOrder(file.Format)))
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
