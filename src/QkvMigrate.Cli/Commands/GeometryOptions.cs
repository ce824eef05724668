using System.CommandLine;
using QkvMigrate.Configuration;

namespace QkvMigrate.Cli.Commands;

/// <summary>The options by which a user says where q, k and v stand.</summary>
internal sealed class GeometryOptions
{
    private readonly Option<string?> config = new("--config") { Description = "Take the geometry from this model_config.yaml, lit_config.json or config.json.", HelpName = "FILE" };
    private readonly Option<string?> model = new("--model") { Description = "Take the geometry of this LitGPT model name, such as pythia-1b.", HelpName = "NAME" };
    private readonly Option<int?> headCount = new("--n-head") { Description = "Query heads.", HelpName = "N" };
    private readonly Option<int?> queryGroupCount = new("--n-query-groups") { Description = "Query groups: key heads, and as many value heads.", HelpName = "N" };
    private readonly Option<int?> headSize = new("--head-size") { Description = "Rows of one head.", HelpName = "N" };

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(config);
        command.Options.Add(model);
        command.Options.Add(headCount);
        command.Options.Add(queryGroupCount);
        command.Options.Add(headSize);
        model.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } name && KnownModels.Find(name) is null)
            {
                result.AddError($"--model {name}: LitGPT has no model of this name");
            }
        });
    }

    /// <summary>What the user said.</summary>
    public GeometryFlags Read(ParseResult parsed) => new(
        parsed.GetValue(headCount),
        parsed.GetValue(queryGroupCount),
        parsed.GetValue(headSize),
        parsed.GetValue(model),
        parsed.GetValue(config));
}
