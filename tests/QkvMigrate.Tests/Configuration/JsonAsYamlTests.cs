using System.Text;
using System.Text.Json;
using CsCheck;
using QkvMigrate.Configuration;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Tests.Configuration;

/// <summary>A <c>lit_config.json</c> becomes YAML that PyYAML, with which LitGPT reads, takes for the same values.</summary>
public sealed class JsonAsYamlTests
{
    /// <summary>Values as JSON writes them, among them all that YAML 1.1 would take for something else.</summary>
    private static readonly string[] Values =
    [
        "1", "-1", "0", "123456789012345678901234567890", "0.25", "-0.5", "1e-05", "1E5", "1e+16", "1.5e3", "-2E-7", "1e400", "true", "false", "null", "[]", "{}", "[1, [2.0, 3e2], null]",
        """{"on": {"a b": [true, "x"]}, "y": 1e-6}""", "\"\"", "\"null\"", "\"1e-05\"", "\"12\"", "\"yes\"", "\"a: b # c\"", "\" space \"", "\"- x\"", "\"{a}\"", "\"&a *b !c %d @e `f\"",
        "\"q\\\"q\\\\ \\/ \\b\\f\\n\\r\\t \\u0001 \\u007f \\u0085 \\u2028 \\u2029 \\ufeff \\ufffe\"", "\"\\ud83d\\ude00 😀 é 名\"", "\"2024-03-01\"", "\"1:30\"", "\"0x1F\"", "\"~\"", "\"=\"", "\"<<\"",
    ];

    private static readonly string[] Names =
    [
        "name", "_norm_class", "n_head", "null", "True", "yes", "NO", "on", "off", "y", "n", "", "1", "1e5", "~", "a b", "a: b", "#", "<<", "=", "-", "?", "é", "😀", "\"", "\\", "\n", "\u2028", "2024-03-01", "1_0",
    ];

    [Theory]
    [InlineData("""{"norm_eps": 1e-05, "a": 1E5, "b": 1.5e3, "c": -2e+3}""", "norm_eps: 1.0e-05\na: 1.0e+5\nb: 1.5e+3\nc: -2.0e+3\n")]
    [InlineData("""{"name": "on", "on": "off", "a b": null}""", "name: \"on\"\n\"on\": \"off\"\n\"a b\": null\n")]
    [InlineData("""{"a": {"b": [1, "c", {"d": true}]}, "e": []}""", "a: {\"b\": [1, \"c\", {\"d\": true}]}\ne: []\n")]
    [InlineData("""{"a": "\ud83d\ude00 \"\\\n\u007f"}""", "a: \"😀 \\\"\\\\\\u000a\\u007f\"\n")]
    [InlineData("{}", "")]
    public void Writes_a_field_a_line(string json, string yaml) => Assert.Equal(yaml, JsonAsYaml.Convert(json));

    [Theory]
    [InlineData("[1]", "no JSON object")]
    [InlineData("1", "no JSON object")]
    [InlineData("", "no JSON: ")]
    [InlineData("""{"a": NaN}""", "no JSON: ")]
    [InlineData("""{"a": 1, "a": 1}""", "no JSON: ")]
    [InlineData("""{"a": "\ud800"}""", "no JSON: ")]
    [InlineData("""{"\udc00": 1}""", "no JSON: ")]
    public void Refuses_what_is_no_object(string json, string problem) =>
        Assert.StartsWith(problem, Assert.Throws<MigrationException>(() => JsonAsYaml.Convert(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void PyYaml_reads_the_same_values()
    {
        if (ChildProcess.Run("/usr/bin/python3", ["-c", "import yaml"]).ExitCode != 0)
        {
            Prerequisite.Missing("needs Python with PyYAML: apt-get install python3-yaml");
        }

        AnyObject.Array[400].Sample(
            objects => Assert.Equal(
                objects.Select(_ => "same"),
                Python.Lines("QkvMigrate.Tests/Configuration/compare_json_yaml.py", objects.Select(json => $"{Hex(json)} {Hex(JsonAsYaml.Convert(json))}"))),
            iter: 1,
            threads: 1);
    }

    private static readonly Gen<string> AnyObject =
        from names in Gen.Shuffle(Names)
        from values in Gen.Int[0, Values.Length - 1].Select(index => Values[index]).Array[1, 8]
        select $"{{{string.Join(", ", names.Zip(values, (name, value) => $"{JsonSerializer.Serialize(name)}: {value}"))}}}";

    private static string Hex(string text) => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(text));
}
