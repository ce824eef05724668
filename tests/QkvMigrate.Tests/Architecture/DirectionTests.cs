using System.Text.RegularExpressions;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests.Architecture;

/// <summary>
/// The direction is the user's word, and a family's age is the table's: each stands in the files that
/// <c>docs/architecture.md</c> names, and everything else works with data.
/// </summary>
public sealed class DirectionTests
{
    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture;
    private const string Header = "| word | what it is | where it stands |";

    public static TheoryData<string> Words => [.. Drawn().Keys];

    [Theory]
    [MemberData(nameof(Words))]
    public void A_word_stands_where_the_architecture_names_it(string word)
    {
        var files = FilesWith(word);
        var places = Drawn()[word];
        Assert.All(files, file => Assert.Contains(places, place => IsIn(file, place)), throwIfEmpty: true);
        Assert.All(places, place => Assert.Contains(files, file => IsIn(file, place)), throwIfEmpty: true);
    }

    [Fact]
    public void Both_words_are_drawn() => Assert.Equal(["LitGptAge", "MigrationDirection"], Drawn().Keys.Order(StringComparer.Ordinal));

    /// <summary>A parameter or a member that says in one bit which layout is meant is the same word in another form.</summary>
    [Fact]
    public void No_bit_stands_for_a_layout()
    {
        var bit = new Regex(@"\bbool\??\s+(is)?(legacy|current|interleaved|sequential|old|upgrade|downgrade)\b", Options | RegexOptions.IgnoreCase);
        Assert.Matches(bit, "Find(string path, bool legacy)");
        Assert.Equal(["src/QkvMigrate/Layouts/Conversion.cs"], Sources().Where(file => bit.IsMatch(Text(file))));
    }

    private static IReadOnlyList<string> FilesWith(string word)
    {
        var whole = new Regex($@"\b{word}\b", Options);
        return [.. Sources().Where(file => whole.IsMatch(Text(file)))];
    }

    private static bool IsIn(string file, string place) =>
        file == place || file.StartsWith($"{place}/", StringComparison.Ordinal);

    /// <summary>For each word the files and folders that the table names, from the root of the repository.</summary>
    private static Dictionary<string, IReadOnlyList<string>> Drawn() =>
        File.ReadAllLines(Repository.At("docs", "architecture.md"))
            .SkipWhile(line => line != Header)
            .Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Split('|'))
            .ToDictionary(cells => Quoted(cells[1])[0], cells => (IReadOnlyList<string>)[.. Quoted(cells[3]).Select(place => $"src/{place}")]);

    private static List<string> Quoted(string cell) => [.. cell.Split('`').Where((_, i) => i % 2 == 1)];

    /// <summary>The C# files that are written by hand, from the root of the repository.</summary>
    private static IEnumerable<string> Sources() =>
        Directory.EnumerateFiles(Repository.At("src"), "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Repository.Root, file))
            .Where(file => !file.Split('/').Any(step => step is "bin" or "obj"))
            .Order(StringComparer.Ordinal);

    private static string Text(string file) => File.ReadAllText(Repository.At(file));
}
