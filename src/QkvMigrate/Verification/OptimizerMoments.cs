using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Finds the moments that an optimizer keeps for fused tensors. By number, parameter i is the i-th tensor of the model, with
/// tied tensors counted once (torch/optim/optimizer.py, <c>state_dict</c>; torch/nn/modules/module.py, <c>parameters</c>); by name, the
/// tensor of that name apart from what wrappers put into it.
/// </summary>
internal static class OptimizerMoments
{
    /// <summary>The moments that follow the rows of <paramref name="fused"/>, each with the tensor that it belongs to.</summary>
    /// <param name="models">The models of the first file.</param>
    /// <param name="fused">Its fused tensors.</param>
    /// <param name="optimizer">One of its optimizers.</param>
    /// <returns>Null where it cannot be told which parameter is which tensor.</returns>
    public static List<(TensorEntry Moment, FusedEntry Owner)>? Find(Lazy<List<List<TensorEntry>>> models, List<FusedEntry> fused, OptimizerEntry optimizer)
    {
        if (!optimizer.HasState)
        {
            return [];
        }

        return models.Value.Select(model => Match(optimizer, model, fused))
            .FirstOrDefault(found => found is not null);
    }

    private static List<(TensorEntry, FusedEntry)>? Match(OptimizerEntry optimizer, List<TensorEntry> parameters, List<FusedEntry> fused)
    {
        var owners = fused.ToLookup(item => ElementView.Of(item.Tensor));
        var byName = parameters.Where(tensor => tensor.Name is not null).ToLookup(tensor => WrapperParts.Bare(tensor.Name!.Text));
        var moments = new List<(TensorEntry, FusedEntry)>();
        for (var i = 0; i < optimizer.Parameters.Count; i++)
        {
            var parameter = optimizer.Parameters[i];
            var tensor = !parameter.IsNumbered ? byName[WrapperParts.Bare(parameter.Id)].FirstOrDefault()
                : parameters.Count == optimizer.Parameters.Count ? parameters[i]
                : null;
            if (tensor is null || parameter.State.Any(state => state.ElementCount != 1 && !state.Shape.SequenceEqual(tensor.Shape)))
            {
                return null;
            }

            if (owners[ElementView.Of(tensor)].FirstOrDefault() is { } owner)
            {
                if (parameter.Unreadable.Count > 0 || parameter.State.Any(state => state.Peculiarity is not null))
                {
                    return null;
                }

                moments.AddRange(parameter.State.Where(state => state.Shape.SequenceEqual(tensor.Shape)).Select(state => (state, owner)));
            }
        }

        return moments;
    }
}
