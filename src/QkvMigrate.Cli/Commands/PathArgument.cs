using System.CommandLine;

namespace QkvMigrate.Cli.Commands;

/// <summary>The paths that a command works on.</summary>
internal static class PathArgument
{
    /// <summary>One path or more. What starts with a dash and is no file is a misspelt option, not a path.</summary>
    public static Argument<string[]> Create()
    {
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Checkpoint files, checkpoint directories, or directories of them.",
            Arity = ArgumentArity.OneOrMore,
        };
        paths.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => token.Value.StartsWith('-') && !Path.Exists(token.Value)))
            {
                result.AddError($"unrecognized option '{token.Value}'");
            }
        });
        return paths;
    }
}
