using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Holds an expanded LoRA against the old one by multiplying both out: what is added to each row of a layer's weight must
/// be what was added to the same row before. Which row that is follows from the layouts (<see cref="RowOrigin"/>). Then each
/// number of the matrices is held against the old ones (<see cref="ExpandedForm"/>).
/// </summary>
internal sealed class LoraComparison(
    Checkpoint original,
    Checkpoint upgraded,
    AttentionGeometry geometry,
    VerifiedChange change,
    VerificationMode mode,
    CancellationToken cancellation)
{
    /// <summary>Compares a layer.</summary>
    /// <returns>The differences, a row each; empty where there are none.</returns>
    public DifferenceLog Compare(LoraPair layer)
    {
        var before = new LoraDelta(original.Source, layer.A, layer.B);
        var after = new LoraDelta(upgraded.Source, upgraded.Tensors[layer.IndexA], upgraded.Tensors[layer.IndexB]);
        var form = new ExpandedForm(
            layer,
            (new MatrixBytes(original.Source, layer.A), new MatrixBytes(original.Source, layer.B)),
            (new MatrixBytes(upgraded.Source, upgraded.Tensors[layer.IndexA]), new MatrixBytes(upgraded.Source, upgraded.Tensors[layer.IndexB])));
        if (!layer.IsFused)
        {
            return Compare(layer, before, after, form, null);
        }

        // Which of q, k and v have LoRA the shapes may leave open, k or v for one. The rows then tell.
        var choices = LoraChoice.Fitting(geometry, layer);
        var logs = choices.Select(choice => Compare(layer, before, after, form, choice)).ToList();
        if (logs.Count == 0)
        {
            var none = new DifferenceLog();
            none.Add($"tensor '{layer.B.Label}'", $"its {layer.B.Shape[0]} rows are not those of {layer.BlockCount} of q, k and v");
            return none;
        }

        return logs.MinBy(log => log.Count)!;
    }

    private DifferenceLog Compare(LoraPair layer, LoraDelta before, LoraDelta after, ExpandedForm form, LoraChoice? choice)
    {
        var log = new DifferenceLog();
        var (expected, found) = (new double[before.Width], new double[after.Width]);
        foreach (var row in Rows(layer).TakeWhile(_ => log.Count < DifferenceLog.Kept))
        {
            cancellation.ThrowIfCancellationRequested();
            var origin = choice is null ? default : RowOrigin.Of(row, geometry, geometry.HeadSize, change);
            if (choice is null)
            {
                before.Row(row, 0, expected);
                after.Row(row, 0, found);
            }
            else
            {
                choice.Row(before, origin.Source, expected);
                LoraChoice.All(geometry).Row(after, row, found);
            }

            if (!expected.AsSpan().SequenceEqual(found))
            {
                log.Add(Difference(layer, row, choice is null ? null : origin));
            }
            else if (!form.HasRow(row, choice is null ? new LoraRow(row, 0) : choice.Place(origin.Source)))
            {
                log.Add(form.OfRow(row));
            }
        }

        // What A says wrongly is told by the rows above, where a number of B meets it.
        if (log.Count == 0)
        {
            form.CompareA(log);
        }

        return log;
    }

    private static Difference Difference(LoraPair layer, long row, RowOrigin? origin)
    {
        var place = $"tensor '{layer.B.Label}'";
        return origin is not { } head
            ? new Difference(place, "lora_B·lora_A differs from the first file's") { Row = row }
            : new Difference(place, $"lora_B·lora_A differs from that of row {head.Source} of the first file")
            {
                Row = row,
                Section = head.Section,
                Head = head.Head,
                QueryGroup = head.QueryGroup,
            };
    }

    /// <summary>Every row; or the first and last of each head, and of any other layer.</summary>
    private IEnumerable<long> Rows(LoraPair layer)
    {
        var rows = layer.IsFused ? geometry.FusedRows : layer.B.Shape[0];
        var step = mode == VerificationMode.Full ? 1 : layer.IsFused ? geometry.HeadSize : Math.Max(rows, 1);
        for (var row = 0L; row < rows; row += step)
        {
            yield return row;
            if (step > 1)
            {
                yield return row + step - 1;
            }
        }
    }
}
