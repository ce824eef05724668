using System.Text.RegularExpressions;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests.Architecture;

/// <summary>The name of a test is a sentence with underscores between its words, as <c>CONTRIBUTING.md</c> says.</summary>
public sealed partial class TestNameTests
{
    [Fact]
    public void The_name_of_a_test_is_a_sentence()
    {
        var names = Directory.EnumerateFiles(Repository.At("tests"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => TestMethod().Matches(File.ReadAllText(file)))
            .Select(match => match.Groups["name"].Value)
            .ToList();

        // That the pattern finds the tests at all: this one is among them.
        Assert.Contains(nameof(The_name_of_a_test_is_a_sentence), names);
        Assert.DoesNotContain(names, name => !Sentence().IsMatch(name));
    }

    // The attribute, up to the first method behind it.
    [GeneratedRegex(@"^    \[(Fact|Theory)\b.*?\b(void|Task) (?<name>\w+)\(", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex TestMethod();

    // A capital, then words of small letters; names and constants keep their capitals: LitGPT, lora_B, UTF8.
    [GeneratedRegex("^[A-Z][A-Za-z0-9]*(_[A-Za-z0-9]+)+$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Sentence();
}
