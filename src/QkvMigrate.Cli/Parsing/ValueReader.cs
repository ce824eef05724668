using System.CommandLine.Parsing;
using System.Diagnostics.CodeAnalysis;

namespace QkvMigrate.Cli.Parsing;

/// <summary>Reads one word of the command line as a value of <typeparamref name="T"/>; false where it is none.</summary>
internal delegate bool TryRead<T>(string text, [MaybeNullWhen(false)] out T value);

/// <summary>Turns the words behind an option or argument into values, or into one line that says what was expected.</summary>
/// <param name="name">The option or argument.</param>
/// <param name="expected">What its words must be, such as <c>a whole number from 1 on</c>.</param>
/// <param name="tryRead">Reads a word.</param>
internal sealed class ValueReader<T>(string name, string expected, TryRead<T> tryRead)
{
    /// <summary>The value of the last word. An option that is given twice is refused by its arity.</summary>
    public T? ReadOne(ArgumentResult result) => Read(result) is [.., var last] ? last : default;

    /// <summary>The values of all words.</summary>
    public T[] ReadAll(ArgumentResult result) => [.. Read(result)];

    private List<T> Read(ArgumentResult result)
    {
        var values = new List<T>();
        foreach (var token in result.Tokens)
        {
            if (tryRead(token.Value, out var value))
            {
                values.Add(value);
            }
            else
            {
                result.AddError($"{name} {Quoted.Word(token.Value)}: expected {expected}");
            }
        }

        return values;
    }
}
