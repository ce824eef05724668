using System.CommandLine;
using QkvMigrate.Cli.Parsing;
using QkvMigrate.Geometry;

namespace QkvMigrate.Cli.Commands;

/// <summary>The options by which a user says where q, k and v stand.</summary>
internal sealed class GeometryArguments
{
    private readonly Option<string?> config = TypedOption.PathTo(
        "--config",
        "FILE",
        "Take the geometry from this model_config.yaml, lit_config.json or config.json.");
    private readonly Option<string?> model = TypedOption.Text(
        "--model",
        "NAME",
        "Take the geometry of this LitGPT model name, such as pythia-1b.",
        "the name of a model that LitGPT has",
        name => KnownModels.Find(name) is not null);
    private readonly Option<int?> headCount = TypedOption.Count("--n-head", "N", "Query heads.", least: 1);
    private readonly Option<int?> queryGroupCount = TypedOption.Count("--n-query-groups", "N", "Query groups: key heads, and as many value heads.", least: 1);
    private readonly Option<int?> headSize = TypedOption.Count("--head-size", "N", "Rows of one head.", least: 1);

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(config);
        command.Options.Add(model);
        command.Options.Add(headCount);
        command.Options.Add(queryGroupCount);
        command.Options.Add(headSize);
    }

    /// <summary>What the user said.</summary>
    public GeometryFlags Read(ParseResult parsed) => new(
        parsed.GetValue(headCount),
        parsed.GetValue(queryGroupCount),
        parsed.GetValue(headSize),
        parsed.GetValue(model),
        parsed.GetValue(config));
}
