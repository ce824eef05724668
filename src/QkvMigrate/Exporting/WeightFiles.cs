using System.IO.Enumeration;
using System.Text.Json.Nodes;
using QkvMigrate.FilePlans;

namespace QkvMigrate.Exporting;

/// <summary>A file of weights.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Tensors">Its tensors, in the order of their bytes.</param>
internal sealed record WeightFile(string Name, IReadOnlyList<ExportedTensor> Tensors)
{
    private readonly Lazy<FilePlan> layout = new(() => LayDown(Tensors));

    /// <summary>What the file is made of.</summary>
    public FilePlan Layout => layout.Value;

    private static FilePlan LayDown(IReadOnlyList<ExportedTensor> tensors)
    {
        var builder = new FilePlanBuilder();
        builder.Literal(SafetensorsText.Header(tensors));
        foreach (var tensor in tensors)
        {
            if (tensor.Computed is { } computed)
            {
                builder.Computed(computed);
            }

            foreach (var rows in tensor.Rows)
            {
                LayDown(builder, tensor, rows);
            }
        }

        return builder.Build();
    }

    private static void LayDown(FilePlanBuilder builder, ExportedTensor tensor, TensorRows rows)
    {
        var entry = rows.Source;
        if (!rows.AreContiguous || entry.DType != tensor.DType)
        {
            ComputedRows.Check(rows);
            builder.Computed(new ComputedRows(rows, tensor.DType));
            return;
        }

        var width = rows.Width * entry.DType.ItemSize;
        foreach (var run in rows.Runs)
        {
            builder.Copy(entry.Storage.Source, entry.FileOffset + (run.Start * width), run.Length * width);
        }
    }
}

/// <summary>How a model is cut into files, as Hugging Face's libraries cut and name them (huggingface_hub, serialization/_base.py).</summary>
internal static class WeightFiles
{
    /// <summary>The name of a model's only file.</summary>
    public const string SingleName = "model.safetensors";

    /// <summary>The name of the index of several.</summary>
    public const string IndexName = "model.safetensors.index.json";

    /// <summary>Whether a file of a model's weights, or their index, is called so.</summary>
    public static bool IsNameOfOne(string name) =>
        name is SingleName or IndexName || FileSystemName.MatchesSimpleExpression("model-?????-of-?????.safetensors", name, ignoreCase: false);

    /// <summary>
    /// The files: a new one begins where the next tensor would make one larger than <paramref name="maximum"/>; a tensor larger than that
    /// has one for itself.
    /// </summary>
    /// <param name="tensors">The tensors in the order of the model.</param>
    /// <param name="maximum">Bytes of tensors in one file at most.</param>
    public static IReadOnlyList<WeightFile> Cut(IReadOnlyList<ExportedTensor> tensors, long maximum)
    {
        List<List<ExportedTensor>> files = [[]];
        var bytes = 0L;
        foreach (var tensor in tensors)
        {
            if (files[^1].Count > 0 && tensor.Bytes > maximum - bytes)
            {
                files.Add([]);
                bytes = 0;
            }

            files[^1].Add(tensor);
            bytes += tensor.Bytes;
        }

        return [.. files.Select((file, i) => new WeightFile(files.Count == 1 ? SingleName : FormattableString.Invariant($"model-{i + 1:D5}-of-{files.Count:D5}.safetensors"), SafetensorsText.InOrder(file)))];
    }

    /// <summary>The index of several files.</summary>
    public static ExportedDocument Index(IReadOnlyList<WeightFile> files) => ExportedDocument.Json(IndexName, new JsonObject
    {
        ["metadata"] = new JsonObject { ["total_size"] = files.SelectMany(file => file.Tensors).Sum(tensor => tensor.Bytes) },
        ["weight_map"] = new JsonObject(files.SelectMany(file => file.Tensors.Select(tensor => KeyValuePair.Create(tensor.Name, (JsonNode?)file.Name))).OrderBy(entry => entry.Key, StringComparer.Ordinal)),
    });
}
