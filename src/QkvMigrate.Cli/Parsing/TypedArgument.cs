using System.CommandLine;
using System.CommandLine.Parsing;

namespace QkvMigrate.Cli.Parsing;

/// <summary>Makes the arguments of commands. What starts with a dash and is no file is a misspelt option, not a path.</summary>
internal static class TypedArgument
{
    /// <summary>One path.</summary>
    public static Argument<string> OnePath(string name, string description) =>
        Checked(new PathArgument<string>(name) { Description = description, CustomParser = Reader(name).ReadOne });

    /// <summary>One path or none.</summary>
    public static Argument<string?> OptionalPath(string name, string description) =>
        Checked(new PathArgument<string?>(name) { Description = description, CustomParser = Reader(name).ReadOne, Arity = ArgumentArity.ZeroOrOne });

    /// <summary>One path or more.</summary>
    public static Argument<string[]> Paths(string name, string description) =>
        Checked(new PathArgument<string[]>(name) { Description = description, CustomParser = Reader(name).ReadAll, Arity = ArgumentArity.OneOrMore });

    /// <summary>One of <paramref name="words"/>, which the help shows.</summary>
    public static Argument<string> Choice(string name, string description, IReadOnlyList<string> words) => new(name)
    {
        HelpName = string.Join('|', words),
        Description = description,
        CustomParser = new ValueReader<string>(name, TypedOption.Either(words), Words.That(words.Contains)).ReadOne,
    };

    private static ValueReader<string> Reader(string name) => new(name, PathText.Expected, PathText.TryRead);

    private static T Checked<T>(T argument)
        where T : Argument
    {
        argument.Validators.Add(RefuseOptions);
        return argument;
    }

    private static void RefuseOptions(ArgumentResult result)
    {
        foreach (var token in result.Tokens.Where(token => token.Value.StartsWith('-') && !Path.Exists(token.Value)))
        {
            result.AddError($"unrecognized option {Quoted.Word(token.Value)}");
        }
    }
}
