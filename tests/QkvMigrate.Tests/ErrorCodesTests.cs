using System.Text.Json;
using System.Text.RegularExpressions;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests;

public sealed partial class ErrorCodesTests
{
    [Fact]
    public void Every_error_code_is_explained_in_the_order_of_the_code()
    {
        var explained = Row().Matches(File.ReadAllText(Repository.At("docs", "errors.md"))).Select(row => row.Groups["code"].Value);
        Assert.Equal(Enum.GetNames<FailureKind>().Select(JsonNamingPolicy.KebabCaseLower.ConvertName), explained);
    }

    [GeneratedRegex("^\\| `(?<code>[a-z-]+)` \\|", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Row();
}
