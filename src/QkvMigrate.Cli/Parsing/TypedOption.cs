using System.CommandLine;
using System.Globalization;

namespace QkvMigrate.Cli.Parsing;

/// <summary>Makes options that read their own values: what stands behind one is a value, or one line of an error.</summary>
internal static class TypedOption
{
    /// <summary>An option whose value <paramref name="tryRead"/> reads.</summary>
    public static Option<T?> Of<T>(string name, string help, string description, string expected, TryRead<T> tryRead, params string[] aliases) =>
        new(name, aliases) { HelpName = help, Description = description, CustomParser = new ValueReader<T>(name, expected, tryRead).ReadOne };

    /// <summary>An option that may be given again.</summary>
    public static Option<T[]?> Many<T>(string name, string help, string description, string expected, TryRead<T> tryRead) =>
        new(name) { HelpName = help, Description = description, CustomParser = new ValueReader<T>(name, expected, tryRead).ReadAll };

    /// <summary>A whole number from <paramref name="least"/> on that fits 32 bits.</summary>
    public static Option<int?> Count(string name, string help, string description, int least, params string[] aliases) => Of<int?>(
        name,
        help,
        description,
        $"a whole number from {least} to {int.MaxValue}",
        (text, out value) =>
        {
            var isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least;
            value = isNumber ? number : null;
            return isNumber;
        },
        aliases);

    /// <summary>A whole number of 64 bits from <paramref name="least"/> on.</summary>
    public static Option<long?> LongCount(string name, string help, string description, long least) => Of<long?>(
        name,
        help,
        description,
        $"a whole number from {least} to {long.MaxValue}",
        (text, out value) =>
        {
            var isNumber = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least;
            value = isNumber ? number : null;
            return isNumber;
        });

    /// <summary>A finite number, with a point or without, for which <paramref name="isFit"/> holds.</summary>
    public static Option<double?> Number(string name, string help, string description, string expected, Func<double, bool> isFit) => Of<double?>(
        name,
        help,
        description,
        expected,
        (text, out value) =>
        {
            var isNumber = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                && double.IsFinite(number)
                && isFit(number);
            value = isNumber ? number : null;
            return isNumber;
        });

    /// <summary>A path.</summary>
    public static Option<string?> PathTo(string name, string help, string description, params string[] aliases) =>
        new PathOption(name, aliases)
        {
            HelpName = help,
            Description = description,
            CustomParser = new ValueReader<string>(name, PathText.Expected, PathText.TryRead).ReadOne,
        };

    /// <summary>One of <paramref name="words"/>, which the help shows; <paramref name="standard"/> is the default.</summary>
    public static Option<string?> Choice(string name, string description, IReadOnlyList<string> words, string? standard = null)
    {
        var option = Text(name, string.Join('|', words), description, Either(words), words.Contains);
        return standard is null ? option : option.WithDefault(standard);
    }

    /// <summary>A text for which <paramref name="isFit"/> holds.</summary>
    public static Option<string?> Text(string name, string help, string description, string expected, Func<string, bool> isFit) =>
        Of<string>(name, help, description, expected, Words.That(isFit));

    /// <summary>The same option with a default value.</summary>
    public static Option<T?> WithDefault<T>(this Option<T?> option, T standard)
    {
        option.DefaultValueFactory = _ => standard;
        return option;
    }

    /// <summary><c>a, b or c</c>.</summary>
    public static string Either(IReadOnlyList<string> words) =>
        words.Count == 1 ? words[0] : $"{string.Join(", ", words.SkipLast(1))} or {words[^1]}";
}
