using System.Text.Json.Nodes;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

/// <summary>Records as somebody else may have left them: whatever stands there, a run and a report end in lines, and never in a crash.</summary>
public sealed class HostileRecordTests : IDisposable
{
    private static readonly string[] OddValues =
    [
        "null", "true", "-1", "0", "1e300", "99999999999999999999", "\"\"", "\"word\"", "\"../..\"", "\"/etc/passwd\"", "\"a\\u0000b\"", "\"\\ud800\"", "[]", "[null]", "[[]]", "{}", "{\"path\":null}",
    ];

    private readonly WorkFolder folder = new();
    private readonly StreamReorderEngine engine = new();

    public HostileRecordTests()
    {
        foreach (var model in new[] { "a", "b" })
        {
            Directory.CreateDirectory(folder.At("tree", model));
            File.WriteAllBytes(folder.At("tree", model, "lit_model.pth"), LegacyModel.Legacy.ToFile());
            File.WriteAllText(folder.At("tree", model, "model_config.yaml"), "name: x\nn_embd: 16\nn_head: 4\nn_query_groups: 2\n");
        }

        Run(dryRun: false);
    }

    private string Output => folder.At("out");

    public void Dispose() => folder.Dispose();

    /// <summary>Each value of each document in turn is replaced by each odd one, left out, and given twice.</summary>
    [Fact]
    [Trait("Category", "Slow")]
    public void Every_shape_of_JSON_is_read_or_refused()
    {
        var tried = 0;
        foreach (var file in Records())
        {
            var original = File.ReadAllText(file);
            foreach (var text in Variants(original))
            {
                File.WriteAllText(file, text);
                Read(file);
                tried++;
            }

            File.WriteAllText(file, original);
        }

        Assert.True(tried > 1000, $"{tried} documents");
        Assert.All(BatchReport.Read(Output), report => Assert.Null(report.Error), throwIfEmpty: true);
    }

    [Theory]
    [InlineData("tree.json")]
    [InlineData("manifest")]
    [InlineData("reports")]
    public void A_record_that_is_no_regular_file_is_refused_and_not_waited_for(string part)
    {
        var file = Records().First(record => record.Contains($"/.qkvmigrate/{part}", StringComparison.Ordinal));
        File.Delete(file);
        Assert.Equal(0, ChildProcess.Run("/usr/bin/mkfifo", [file]).ExitCode);
        AssertRefused("this is no regular file but a FIFO");

        File.Delete(file);
        File.CreateSymbolicLink(file, "/dev/zero");
        AssertRefused("this is no regular file but a device");

        File.Delete(file);
        using (var large = File.Create(file))
        {
            large.SetLength(1L << 40);
        }

        AssertRefused("1099511627776 bytes are more than the 67108864 that a record may have");
    }

    [Fact]
    public void Two_records_of_one_unit_are_refused()
    {
        var report = Directory.GetFiles(Path.Combine(Output, ".qkvmigrate", "reports")).Order(StringComparer.Ordinal).First();
        File.Copy(report, Path.Combine(Path.GetDirectoryName(report)!, "0.json"));
        AssertRefused("this is no record of qkvmigrate: it is that of '");
    }

    [Fact]
    public void A_records_folder_that_is_none_is_a_failure_of_the_path()
    {
        Directory.Delete(Path.Combine(Output, ".qkvmigrate"), recursive: true);
        File.WriteAllText(Path.Combine(Output, ".qkvmigrate"), "");
        Assert.Contains(Run(dryRun: false), report => report.Error is { Kind: FailureKind.Io });
        Assert.Throws<MigrationException>(() => BatchReport.Read(Output));
    }

    [Fact]
    public void Checksums_that_are_a_FIFO_are_refused_and_not_waited_for()
    {
        var sums = Path.Combine(Output, "SHA256SUMS");
        File.Delete(sums);
        Assert.Equal(0, ChildProcess.Run("/usr/bin/mkfifo", [sums]).ExitCode);
        Assert.Contains(Run(dryRun: false), report => report.Error is { File: var file, Problem: "this is no regular file but a FIFO" } && file == sums);
    }

    /// <summary>A merge has another name than its source; a killed run that could not report it left the manifest alone.</summary>
    [Fact]
    public void A_merge_that_is_known_from_the_manifest_alone_is_reported()
    {
        var entry = new ManifestEntry(
            RecordDocument.SchemaVersion,
            "a",
            ManifestState.Finished,
            new ResultOptions(Conversion.Upgrade, null, null, null, null, null, LoraTreatment.Merge, false, 16, false, false, null),
            [new SourceStamp("lit_model.pth.lora", 5, "2026-01-01T00:00:00.0000000Z", new string('a', 64)), new SourceStamp("/base/lit_model.pth", 9, "2026-01-01T00:00:00.0000000Z", new string('b', 64))],
            [new ResultFile("lit_model.pth", 7, new string('c', 64))]);
        Directory.Delete(Path.Combine(Output, ".qkvmigrate", "reports"), recursive: true);
        new OutputAccount(Output).Entries.Write(entry);
        File.WriteAllText(Path.Combine(Output, "a", "lit_model.pth"), "7 bytes");
        Directory.Move(folder.At("tree"), folder.At("elsewhere"));

        var report = Assert.Single(BatchReport.Read(Output), report => report.Path.EndsWith(".lora", StringComparison.Ordinal));

        Assert.Equal((CheckpointStatus.Upgraded, Path.Combine(Output, "a", "lit_model.pth"), 5, 7), (report.Status, report.Output, report.SourceBytes, report.OutputBytes));
    }

    private string[] Records() => [.. Directory.EnumerateFiles(Path.Combine(Output, ".qkvmigrate"), "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    /// <summary>Reads a record in every way; what is wrong with it names it.</summary>
    private void Read(string file)
    {
        try
        {
            _ = BatchReport.Read(Output);
        }
        catch (MigrationException error)
        {
            Assert.Equal(file, error.File);
        }

        _ = Run(dryRun: true);
    }

    private void AssertRefused(string problem)
    {
        string?[] problems;
        try
        {
            problems = [.. BatchReport.Read(Output).Select(report => report.Error?.Problem), .. Run(dryRun: true).Select(report => report.Error?.Problem)];
        }
        catch (MigrationException error)
        {
            problems = [error.Problem];
        }

        Assert.Contains(problems, found => found?.StartsWith(problem, StringComparison.Ordinal) == true);
    }

    private IReadOnlyList<CheckpointReport> Run(bool dryRun)
    {
        var request = new MigrationRequest { Path = folder.At("tree"), Output = Output, Direction = MigrationDirection.Upgrade, DryRun = dryRun, Engine = () => engine };
        return Migrator.Run([request], new BatchOptions(), TestContext.Current.CancellationToken);
    }

    private static IEnumerable<string> Variants(string text)
    {
        foreach (var value in OddValues)
        {
            yield return value;
        }

        yield return "";
        yield return text[..(text.Length / 2)];
        yield return new string('[', 100_000);
        foreach (var path in Paths(JsonNode.Parse(text)!, []))
        {
            foreach (var value in OddValues.Append(null))
            {
                yield return Replaced(text, path, value);
            }

            yield return Replaced(text, path, "\"twice\"").Replace("\"twice\"", $"{NodeAt(JsonNode.Parse(text)!, path)?.ToJsonString() ?? "null"}, \"{path[^1]}\": null", StringComparison.Ordinal);
        }
    }

    private static IEnumerable<object[]> Paths(JsonNode? node, object[] path)
    {
        var children = node switch
        {
            JsonObject fields => fields.SelectMany(field => Paths(field.Value, [.. path, field.Key])),
            JsonArray items => items.SelectMany((item, i) => Paths(item, [.. path, i])),
            _ => [],
        };
        return path.Length == 0 ? children : children.Prepend(path);
    }

    private static string Replaced(string text, object[] path, string? value)
    {
        var root = JsonNode.Parse(text)!;
        switch (NodeAt(root, path[..^1]))
        {
            case JsonObject fields when value is null:
                fields.Remove((string)path[^1]);
                break;
            case JsonObject fields:
                fields[(string)path[^1]] = "@";
                break;
            case JsonArray items when value is null:
                items.RemoveAt((int)path[^1]);
                break;
            case JsonArray items:
                items[(int)path[^1]] = "@";
                break;
        }

        return root.ToJsonString().Replace("\"@\"", value, StringComparison.Ordinal);
    }

    private static JsonNode? NodeAt(JsonNode root, object[] path) =>
        path.Aggregate((JsonNode?)root, (node, step) => step is string name ? node![name] : node![(int)step]);
}
