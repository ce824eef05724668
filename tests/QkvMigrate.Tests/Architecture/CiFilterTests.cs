using System.Text.RegularExpressions;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests.Architecture;

/// <summary>
/// The filters of <c>.ci/run</c>: xunit takes one that matches nothing without a word where another one of the same run matches, so
/// a class that was renamed would go untested.
/// </summary>
public sealed partial class CiFilterTests
{
    [Fact]
    public void Every_filter_of_CI_matches_a_class_or_a_namespace()
    {
        var filters = File.ReadLines(Repository.At(".ci", "run"))
            .Select(line => Run().Match(line))
            .Where(run => run.Success)
            .SelectMany(run => run.Groups["filter"].Captures.Select(filter => (Project: run.Groups["project"].Value, Kind: run.Groups["kind"].Value, Filter: filter.Value.Trim('\''))))
            .ToList();
        Assert.Contains(filters, filter => filter.Kind == "class");
        Assert.Contains(filters, filter => filter.Kind == "namespace");
        Assert.Equal([], filters.Where(filter => !Names(filter.Project, filter.Kind).Any(name => Matches(filter.Filter, name))));
    }

    /// <summary>As xunit does: a star stands for any text at the start or the end; elsewhere it is a character of the name.</summary>
    private static bool Matches(string filter, string name)
    {
        var text = filter.Trim('*');
        return (filter.StartsWith('*'), filter.EndsWith('*')) switch
        {
            (true, true) => name.Contains(text, StringComparison.OrdinalIgnoreCase),
            (true, false) => name.EndsWith(text, StringComparison.OrdinalIgnoreCase),
            (false, true) => name.StartsWith(text, StringComparison.OrdinalIgnoreCase),
            _ => name.Equals(text, StringComparison.OrdinalIgnoreCase),
        };
    }

    /// <summary>The namespaces of a project, or its classes with them, that have tests.</summary>
    private static IEnumerable<string> Names(string project, string kind) =>
        from file in Directory.EnumerateFiles(Repository.At("tests", project), "*.cs", SearchOption.AllDirectories)
        let text = File.ReadAllText(file)
        where text.Contains("[Fact", StringComparison.Ordinal) || text.Contains("[Theory", StringComparison.Ordinal)
        let space = Namespace().Match(text).Groups["name"].Value
        from name in kind == "namespace" ? [space] : Class().Matches(text).Select(found => $"{space}.{found.Groups["name"].Value}")
        select name;

    [GeneratedRegex(@"^portable --project tests/(?<project>\S+) --filter-(?<kind>class|namespace)( (?<filter>\S+))+$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Run();

    [GeneratedRegex(@"^namespace (?<name>[\w.]+);", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^public (sealed |partial |abstract )*class (?<name>\w+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Class();
}
