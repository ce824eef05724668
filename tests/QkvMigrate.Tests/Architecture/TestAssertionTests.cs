using System.Text.RegularExpressions;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests.Architecture;

/// <summary>An assertion over every item of a list says what an empty list means: it fails, unless the list may be empty.</summary>
public sealed partial class TestAssertionTests
{
    [Fact]
    public void Each_assertion_over_a_list_says_whether_the_list_may_be_empty()
    {
        var files = Directory.EnumerateFiles(Repository.At("tests"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal))
            .Select(file => (Path: file, Text: File.ReadAllText(file)))
            .ToList();
        Assert.Equal(
            files.Select(file => (file.Path, Count: OverAll().Count(file.Text))).Where(file => file.Count > 0),
            files.Select(file => (file.Path, Count: Said().Count(file.Text))).Where(file => file.Count > 0));
    }

    [GeneratedRegex(@"\bAssert\.All\(", RegexOptions.None, 1000)]
    private static partial Regex OverAll();

    [GeneratedRegex(@"\bthrowIfEmpty: (true|false)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Said();
}
