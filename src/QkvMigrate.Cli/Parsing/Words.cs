using System.Diagnostics.CodeAnalysis;

namespace QkvMigrate.Cli.Parsing;

/// <summary>Readers of values that are texts.</summary>
internal static class Words
{
    /// <summary>Takes the text as it is where <paramref name="isFit"/> holds for it.</summary>
    public static TryRead<string> That(Func<string, bool> isFit) =>
        (string text, [MaybeNullWhen(false)] out string value) => isFit(value = text);
}
