using System.Text.RegularExpressions;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>The README and the pages of docs, held to the program.</summary>
public sealed partial class ReadmeTests
{
    private static string Readme => Repository.At("README.md");

    private static string Docs(string name) => Repository.At("docs", name);

    /// <summary>The pages with examples that are run, from the root of the repository.</summary>
    public static TheoryData<string> Pages =>
    [
        .. Directory.EnumerateFiles(Docs(""), "*.md").Order(StringComparer.Ordinal).Prepend(Readme)
            .Where(page => MarkdownExamples.AreIn(File.ReadAllText(page)))
            .Select(page => Path.GetRelativePath(Repository.Root, page)),
    ];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Examples_work_and_print_what_is_shown(string page)
    {
        using var folder = new ExampleFolder();
        var file = Repository.At(page);
        ApprovedFile.Compare(file, MarkdownExamples.Run(File.ReadAllText(file), folder));
    }

    [Fact]
    public void Every_advice_code_is_explained()
    {
        var sources = Directory.EnumerateFiles(Repository.At("src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal));
        var given = sources.SelectMany(file => GivenCode().Matches(File.ReadAllText(file))).Select(match => match.Groups["code"].Value);
        var explained = ExplainedCode().Matches(File.ReadAllText(Docs("advice.md"))).Select(match => match.Groups["code"].Value).ToList();
        Assert.NotEmpty(explained);
        Assert.Equal(given.Distinct().Order(StringComparer.Ordinal), explained.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_program_from_code_is_the_sample() =>
        Assert.Contains($"```csharp\n{File.ReadAllText(Repository.At("samples", "upgrade-from-code", "Program.cs"))}```\n", File.ReadAllText(Docs("library.md")), StringComparison.Ordinal);

    [Fact]
    public void Exit_codes_are_those_of_the_manual_page()
    {
        var page = Tool.Run("man").Output.Replace("\\-", "-", StringComparison.Ordinal);
        var rows = ExitCodeRow().Matches(File.ReadAllText(Readme)).ToList();
        Assert.Equal(6, rows.Count);
        Assert.All(rows, row =>
        {
            var meaning = row.Groups["meaning"].Value.Replace("`", "", StringComparison.Ordinal);
            Assert.Contains($".TP\n\\fB{row.Groups["codes"].Value}\\fR\n{char.ToUpperInvariant(meaning[0])}{meaning[1..]}.\n", page, StringComparison.Ordinal);
        }, throwIfEmpty: true);
    }

    // new Advice("some-code", ...), and the entries of tables: new("some-code", ...).
    [GeneratedRegex("\\bnew( Advice)?\\(\\s*\"(?<code>[a-z0-9]+(-[a-z0-9]+)+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex GivenCode();

    [GeneratedRegex("^\\| `(?<code>[a-z0-9-]+)` \\|", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ExplainedCode();

    [GeneratedRegex("^\\| (?<codes>[0-9][0-9, ]*) \\| (?<meaning>.+) \\|$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ExitCodeRow();
}
