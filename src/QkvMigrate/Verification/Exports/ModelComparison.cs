using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Verification.Exports;

/// <summary>Compares an exported model with the checkpoint: family, small files, names, element types, shapes, bytes.</summary>
internal sealed class ModelComparison(
    OriginalModel original,
    ModelConfiguration model,
    ExportedFolder exported,
    VerificationMode mode,
    DifferenceLog log,
    CancellationToken cancellation)
{
    private const string Head = "lm_head.weight";
    private const string Embedding = "transformer.wte.weight";

    /// <summary>Compares all.</summary>
    /// <returns>The family, where one was told, and how many bytes of tensors were compared.</returns>
    public (VerifiedFamily? Family, long Bytes) Run()
    {
        var documents = new ExportedDocuments(original, model, exported, log, cancellation);
        if (documents.Configuration is null)
        {
            return (null, 0);
        }

        var place = $"file '{ExportedDocuments.ConfigurationName}'";
        if (VerifiedFamilies.Of(documents.Type, model) is not { } family)
        {
            log.Add(place, $"model_type is {documents.Type ?? "missing"}, which is no family of LitGPT's models");
            return (null, 0);
        }

        foreach (var (field, _) in family.Features.Where(feature => !feature.Fits(model)))
        {
            log.Add(place, $"model_type is {family.Type}, which cannot be by {field} in LitGPT's configuration");
        }

        documents.Compare(family);
        var comparison = new ExportedTensorComparison(mode, cancellation);
        if (family.Features.All(feature => feature.Fits(model)))
        {
            Compare(ExpectedModel.Of(original, model, family, log), comparison);
            CompareHead(family, documents);
        }

        return (family, comparison.ComparedBytes);
    }

    private void Compare(IReadOnlyList<ExpectedTensor> expected, ExportedTensorComparison comparison)
    {
        var left = exported.Tensors.Keys.ToHashSet();
        var target = Converted(expected);
        foreach (var tensor in expected)
        {
            var place = $"tensor '{tensor.Name}'";
            if (!left.Remove(tensor.Name))
            {
                log.Add(place, "it is not there");
                continue;
            }

            var found = exported.Tensors[tensor.Name];
            var stored = tensor.Parts[0].Source.DType;
            if (!found.Shape.SequenceEqual(tensor.Shape))
            {
                log.Add(place, $"it has shape ({string.Join(", ", found.Shape)}), expected ({string.Join(", ", tensor.Shape)})");
            }
            else if (found.DType != (target ?? stored))
            {
                log.Add(place, $"its elements are {found.DType}, expected {target ?? stored}");
            }
            else if (tensor.Parts.Any(part => part.Source.DType != stored) && target is null)
            {
                log.Add(place, "it is made of tensors of several element types");
            }
            else
            {
                comparison.Compare(tensor, found, log);
            }
        }

        foreach (var name in left.Order(StringComparer.Ordinal))
        {
            log.Add($"tensor '{name}'", "the checkpoint has nothing of which it could be made");
        }
    }

    /// <summary>The element type to which all tensors were converted, which most of them have; null where each has its own.</summary>
    private DType? Converted(IReadOnlyList<ExpectedTensor> expected)
    {
        var most = exported.Tensors.Values.GroupBy(tensor => tensor.DType).MaxBy(same => same.Count())?.Key;
        return most is { Name: "float32" or "float16" or "bfloat16" }
            && expected.Any(tensor => exported.Tensors.GetValueOrDefault(tensor.Name)?.DType == most && tensor.Parts[0].Source.DType != most)
            ? most
            : null;
    }

    /// <summary>A head of its own that is not the embedding must not be said to be the embedding: loading would pass it over.</summary>
    private void CompareHead(VerifiedFamily family, ExportedDocuments documents)
    {
        if (family.TiesHead
            || !documents.TiesHead(family)
            || !original.Tensors.TryGetValue(Head, out var head)
            || !original.Tensors.TryGetValue(Embedding, out var embedding))
        {
            return;
        }

        var difference = new DifferenceLog();
        if (head.DType != embedding.DType || !head.Shape.SequenceEqual(embedding.Shape) || embedding.Strides is not [var down, 1] || down != embedding.Shape[1])
        {
            difference.Add(Head, "it is of another kind");
        }
        else
        {
            var rows = new ExpectedRows(head, VerifiedRows.All, original.Layout, model.Geometry);
            new ExportedTensorComparison(mode, cancellation).Compare(new ExpectedTensor(Head, head.Shape, [rows]), embedding, difference);
        }

        if (difference.Count > 0)
        {
            log.Add($"file '{ExportedDocuments.ConfigurationName}'", "it ties the output head to the embedding, and in the checkpoint they differ");
        }
    }
}
