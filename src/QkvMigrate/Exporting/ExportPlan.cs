using QkvMigrate.Configuration.Models;
using QkvMigrate.Layouts;

namespace QkvMigrate.Exporting;

/// <summary>All that an export writes, decided before a tensor byte is read.</summary>
/// <param name="Family">What the model becomes.</param>
/// <param name="Model">Its configuration.</param>
/// <param name="ConfigurationName">Where that came from.</param>
/// <param name="Layout">The layout of the checkpoint.</param>
/// <param name="Weights">The files of weights.</param>
/// <param name="Documents">The files of text.</param>
/// <param name="KeptFiles">The names of the files beside the checkpoint that come along.</param>
/// <param name="Advice">What the user should know.</param>
internal sealed record ExportPlan(
    ModelFamily Family,
    ModelConfiguration Model,
    string ConfigurationName,
    LayoutFamily Layout,
    IReadOnlyList<WeightFile> Weights,
    IReadOnlyList<ExportedDocument> Documents,
    IReadOnlyList<string> KeptFiles,
    IReadOnlyList<Advice> Advice)
{
    /// <summary>The file by which the model is known: its only one, or the index.</summary>
    public string MainFile => Weights.Count == 1 ? Weights[0].Name : WeightFiles.IndexName;

    /// <summary>How many tensors the model of the checkpoint has.</summary>
    public required int TensorCount { get; init; }

    /// <summary>The names of all files.</summary>
    public IEnumerable<string> Files => [.. Weights.Select(file => file.Name), .. Documents.Select(document => document.Name), .. KeptFiles];
}
