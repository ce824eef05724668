using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Finds the copies of fused tensors that have a number and no name: averages, master weights, slow weights, lists of
/// parameters (<see cref="CopySearch"/>). What looks like a copy and cannot be told from one is a difference: it is not verified.
/// </summary>
/// <param name="file">The first file.</param>
/// <param name="fused">Its fused tensors.</param>
/// <param name="models">Its models.</param>
/// <param name="leavesWords">Whether what has a word for a name stays as it is, rather than being what cannot be told.</param>
/// <param name="log">Takes what cannot be told.</param>
internal sealed class UnnamedCopies(Checkpoint file, List<FusedEntry> fused, Lazy<List<List<TensorEntry>>> models, bool leavesWords, DifferenceLog log)
{
    private static readonly Dictionary<UnnamedTensor, string> Problems = new()
    {
        [UnnamedTensor.Untold] =
            "it has the shape of a fused tensor and no name, and which parameter it is a copy of cannot be told, so it is not verified",
        [UnnamedTensor.Word] =
            "it has the shape of a fused tensor and a word for a name, and whether it is a copy of one cannot be told, so it is not verified",
        [UnnamedTensor.Flat] = "it may hold all parameters in one row, and where the fused ones stand in it cannot be told, so it is not verified",
        [UnnamedTensor.Reshaped] = "by its shape it can be made of fused tensors, and whether their rows must move cannot be told, so it is not verified",
    };

    /// <summary>The copies, each with a fused tensor whose rows stand as its own do.</summary>
    public List<(TensorEntry Copy, FusedEntry Owner)> Find()
    {
        var found = new List<(TensorEntry, FusedEntry)>();
        var moving = fused.FindAll(item => item is { IsKnown: true, Axis: { IsPacked: false } });
        var open = Unexplained().ToList();
        if (moving.Count == 0 || (open.Count == 0 && !file.OtherValues.Any(value => value.Sizes is not null)))
        {
            return found;
        }

        var owners = moving.GroupBy(item => ParameterOrder.ShapeOf(item.Tensor)).ToDictionary(group => group.Key, group => group.First());
        var search = new CopySearch(file, moving, models.Value);
        foreach (var tensor in open)
        {
            var kind = search.Of(tensor);
            if (kind == UnnamedTensor.Copy)
            {
                found.Add((tensor, owners[ParameterOrder.ShapeOf(tensor)]));
            }
            else if (kind != UnnamedTensor.Other && !(kind == UnnamedTensor.Word && leavesWords))
            {
                log.Add($"tensor '{tensor.Label}'", Problems[kind]);
            }
        }

        foreach (var value in file.OtherValues.Where(search.MayBeFused))
        {
            log.Add(
                $"'{value.Label}'",
                $"{value.Description} can by its shape hold fused tensors, and whether their rows must move cannot be told, so it is not verified");
        }

        return found;
    }

    /// <summary>The tensors that may be copies: neither fused by their names, nor kept by an optimizer.</summary>
    private IEnumerable<TensorEntry> Unexplained()
    {
        var named = fused.Select(item => item.Tensor).ToHashSet<TensorEntry>(ReferenceEqualityComparer.Instance);
        var states = file.Optimizers.SelectMany(optimizer => optimizer.StateContainers).ToHashSet();
        return file.Tensors.Where(tensor => TensorNumbers.IsUnnamed(tensor) && !named.Contains(tensor) && !states.Contains(tensor.Container));
    }
}
