using System.Text;
using QkvMigrate.Folders;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Processes;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>Things in the second directory that are no file of a checkpoint of the first: each is held against what it says, or named.</summary>
public sealed class StrangerTests : IDisposable
{
    private const string Configuration = "name: x\nn_embd: 16\nn_head: 4\nn_query_groups: 2\n";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-strangers-");

    public StrangerTests()
    {
        foreach (var model in new[] { "a", "b" })
        {
            var directory = Directory.CreateDirectory(Path.Combine(Before, model)).FullName;
            File.WriteAllBytes(Path.Combine(directory, "lit_model.pth"), LegacyModel.Legacy.ToFile());
            File.WriteAllText(Path.Combine(directory, "model_config.yaml"), Configuration);
        }

        File.WriteAllText(Path.Combine(Before, "README.md"), "of no checkpoint");
        Upgrade(Before, After);
        Assert.Empty(Differences());
    }

    private string Before => Path.Combine(folder.FullName, "before");

    private string After => Path.Combine(folder.FullName, "after");

    /// <summary>A file that is put into the second tree, and the line that names it.</summary>
    public static TheoryData<string, string, string> Strangers => new()
    {
        { "a/.lit_model.pth.123-0123abcd.qkvmigrate-tmp", "x", "file 'a/.lit_model.pth.123-0123abcd.qkvmigrate-tmp': a run that was killed left it, and nothing says what is in it; remove it" },
        { ".a.qkvmigrate-tmp", "", "file '.a.qkvmigrate-tmp': a run that was killed left it, and nothing says what is in it; remove it" },
        { "a/.lit_model.pth.qkvmigrate-lock", "payload", "file 'a/.lit_model.pth.qkvmigrate-lock': a run that was killed left it, and nothing says what is in it; remove it" },
        { "a/.qkvmigrate-notes", "x", "file 'a/.qkvmigrate-notes': qkvmigrate keeps no such record here" },
        { "a/.qkvmigrate/tree.json", "{}", "directory 'a/.qkvmigrate': qkvmigrate keeps no such record here" },
        { ".qkvmigrate-parts-0123456789abcdef.json", "payload", "record '.qkvmigrate-parts-0123456789abcdef.json': it is no JSON" },
        { "a/.qkvmigrate-parts-0123456789abcdef.txt", "{}", "file 'a/.qkvmigrate-parts-0123456789abcdef.txt': qkvmigrate keeps no such record here" },
        { ".qkvmigrate-parts-0123456789abcdef.json", Parts("a", 1), "record '.qkvmigrate-parts-0123456789abcdef.json': it is not written as qkvmigrate writes records: there are other bytes between its words" },
        { ".qkvmigrate-parts-0123456789abcdef.json", Parts("c", 1) + "\n", "record '.qkvmigrate-parts-0123456789abcdef.json': it deals 'c', which is no directory of this tree" },
        { ".qkvmigrate-parts-0123456789abcdef.json", Parts("../before/a", 1) + "\n", "record '.qkvmigrate-parts-0123456789abcdef.json': it deals '../before/a', which is no directory of this tree" },
        { ".qkvmigrate-parts-0123456789abcdef.json", Parts("a", 3) + "\n", "record '.qkvmigrate-parts-0123456789abcdef.json': it deals 'a' to part 3 of 2" },
        { ".qkvmigrate-parts-0123456789abcdef.json", "{\n  \"schemaVersion\": 2\n}\n", "record '.qkvmigrate-parts-0123456789abcdef.json': it is no record of qkvmigrate" },
        { "a/.qkvmigrate-backups", "{\n  \"schemaVersion\": 1,\n  \"backups\": [],\n  \"payload\": \"x\"\n}\n", "record 'a/.qkvmigrate-backups': it has 'payload', which no such record of qkvmigrate's has" },
        { ".qkvmigrate/payload.bin", "x", "record '.qkvmigrate/payload.bin': qkvmigrate keeps no record of this name" },
        { ".qkvmigrate/manifest/0123456789abcdef0123456789abcdef.json", "no JSON", "record '.qkvmigrate/manifest/0123456789abcdef0123456789abcdef.json': it is no JSON" },
        { ".qkvmigrate/reports/0123456789abcdef0123456789abcdef.json", "[1]", "record '.qkvmigrate/reports/0123456789abcdef0123456789abcdef.json': it is no record of qkvmigrate" },
        { ".qkvmigrate/reports/deep/x.json", "{}", "record '.qkvmigrate/reports/deep': qkvmigrate keeps no record of this name" },
        { "SHA256SUMS", "0123  a/lit_model.pth\n", "file 'SHA256SUMS': it does not name the results of the records beside it, each with its digest, and nothing else" },
        { "c/lit_model.pth", "", "file 'c/lit_model.pth': a checkpoint that the first directory has not" },
        { "c/notes.txt", "x", "file 'c/notes.txt': the first directory has no such file" },
        { "notes.txt", "x", "file 'notes.txt': the first directory has no such file" },
        { "c/.metadata", "\u0080\u0002}.", "directory 'c'" },
    };

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Strangers))]
    public void A_stranger_is_named(string path, string content, string line)
    {
        var target = Path.Combine(After, path);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.WriteAllBytes(target, Encoding.Latin1.GetBytes(content));
        if (path == "c/.metadata")
        {
            File.WriteAllText(Path.Combine(After, "c", "__0_0.distcp"), "x");
        }

        Assert.Contains(Differences(), difference => difference.StartsWith(line, StringComparison.Ordinal));
    }

    [Fact]
    public void A_link_among_the_records_is_named_and_not_entered()
    {
        File.CreateSymbolicLink(Path.Combine(After, ".qkvmigrate", "loop"), "..");

        Assert.Equal(["record '.qkvmigrate/loop': qkvmigrate keeps no record of this name"], Differences());
    }

    [Fact]
    public void An_empty_directory_is_named()
    {
        Directory.CreateDirectory(Path.Combine(After, "empty"));

        Assert.Equal(["directory 'empty': the first directory has no such one, and nothing is in it"], Differences());
    }

    [Theory]
    [InlineData("a/pipe")]
    [InlineData("pipe")]
    public void A_FIFO_is_named_unless_the_first_has_it_too(string path)
    {
        Fifo(Path.Combine(After, path));
        Assert.Equal([$"FIFO '{path}': the first directory has no such thing, and no upgrade makes one"], Differences());

        Fifo(Path.Combine(Before, path));
        Assert.Contains(Tree().LeftOut, line => line.Statement == $"1 in both directories: {path}");
        Assert.Empty(Differences());
    }

    [Fact]
    public void A_directory_or_a_FIFO_in_the_place_of_a_file_is_named()
    {
        foreach (var path in new[] { "a/model_config.yaml", "a/lit_model.pth" })
        {
            var target = Path.Combine(After, path);
            File.Move(target, Path.Combine(folder.FullName, "away"));
            Directory.CreateDirectory(target);
            Assert.NotEmpty(Differences());
            Directory.Delete(target);
            Fifo(target);
            Assert.NotEmpty(Differences());
            File.Delete(target);
            File.Move(Path.Combine(folder.FullName, "away"), target);
        }

        Assert.Empty(Differences());
    }

    [Fact]
    public void Results_of_the_records_that_are_gone_are_named()
    {
        Directory.Delete(Path.Combine(After, "b"), recursive: true);

        Assert.Contains(Differences(), difference => difference.EndsWith("it names the result 'b/model_config.yaml', which is not there as it says", StringComparison.Ordinal));
    }

    [Fact]
    public void A_record_of_parts_that_says_what_is_there_is_told()
    {
        File.WriteAllText(Path.Combine(After, ".qkvmigrate-parts-0123456789abcdef.json"), Parts("a", 1) + "\n");

        Assert.Empty(Differences());
        Assert.Contains(Tree().Covered, line => line.Subject == "record of parts");
        Assert.Contains(Tree().LeftOut, line => line.Subject == "record of parts");
    }

    /// <summary>What no record of this tool's has, put before each line, and spaces put into it.</summary>
    [Fact]
    public void More_than_a_record_has_is_named()
    {
        foreach (var record in Directory.EnumerateFiles(Path.Combine(After, ".qkvmigrate"), "*.json", SearchOption.AllDirectories).ToList())
        {
            var right = File.ReadAllText(record);
            var lines = right.Split('\n');
            for (var i = 1; i < lines.Length; i++)
            {
                foreach (var mutant in new[] { lines[i].Contains(": ", StringComparison.Ordinal) ? $"\"payload\": 1,\n{lines[i]}" : lines[i] + " ", lines[i] + "\t", " " + lines[i] })
                {
                    File.WriteAllText(record, string.Join('\n', [.. lines[..i], mutant, .. lines[(i + 1)..]]));
                    Assert.Contains(Differences(), difference => difference.StartsWith($"record '{Path.GetRelativePath(After, record)}'", StringComparison.Ordinal));
                }
            }

            File.WriteAllText(record, right);
        }
    }

    [Fact]
    public void A_record_under_another_name_is_named()
    {
        var records = Directory.EnumerateFiles(Path.Combine(After, ".qkvmigrate", "manifest")).Order(StringComparer.Ordinal).ToList();
        var (first, second) = (File.ReadAllBytes(records[0]), File.ReadAllBytes(records[1]));
        File.WriteAllBytes(records[0], second);
        File.WriteAllBytes(records[1], first);

        Assert.Equal(2, Differences().Count(difference => difference.EndsWith("which has another name", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("\"path\": \"lit_model.pth\"", "\"path\": \"../../before/a/lit_model.pth\"", "which lies outside of the output")]
    [InlineData("\"path\": \"a\"", "\"path\": \"../before/a\"", "it is that of '../before/a', which has another name")]
    [InlineData("\"bytes\": ", "\"bytes\": 1", "which is not there as it says")]
    [InlineData("\"state\": \"finished\"", "\"state\": 5", "it is no record of qkvmigrate")]
    [InlineData("\"result\": [", "\"result\": [\n    7,", "it is no record of qkvmigrate")]
    [InlineData("\"result\": [", "\"result\": [ ", "there are other bytes between its words")]
    [InlineData("\"state\": ", "\"state\": \"x\",\n  \"state\": ", "it is no JSON, or has a name twice")]
    [InlineData("\"sha256\": \"", "\"sha256\": \"0", "it does not name the results of the records beside it, each with its digest, and nothing else")]
    public void A_record_that_says_something_else_is_named(string text, string edited, string expected)
    {
        foreach (var record in Directory.EnumerateFiles(Path.Combine(After, ".qkvmigrate", "manifest")))
        {
            File.WriteAllText(record, File.ReadAllText(record).Replace(text, edited, StringComparison.Ordinal));
        }

        Assert.Contains(Differences(), difference => difference.EndsWith(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void A_link_in_the_place_of_a_file_is_told()
    {
        File.WriteAllText(Path.Combine(Before, "a", "tokenizer.json"), "{}");
        File.CreateSymbolicLink(Path.Combine(After, "a", "tokenizer.json"), Path.Combine(Before, "a", "tokenizer.json"));

        Assert.Contains(Verify()[0].LeftOut, line => line.Subject == "link" && line.Statement.StartsWith("a/tokenizer.json", StringComparison.Ordinal));
    }

    [Fact]
    public void A_link_in_the_place_of_a_checkpoint_is_told()
    {
        var path = Path.Combine(After, "a", "lit_model.pth");
        File.Move(path, Path.Combine(folder.FullName, "elsewhere.pth"));
        File.CreateSymbolicLink(path, Path.Combine(folder.FullName, "elsewhere.pth"));

        Assert.Contains(Verify()[0].LeftOut, line => line.Subject == "link" && line.Statement.StartsWith("a/lit_model.pth", StringComparison.Ordinal));
        Assert.Empty(Differences());
    }

    [Fact]
    public void Records_and_files_of_no_checkpoint_are_told()
    {
        File.WriteAllText(Path.Combine(After, "README.md"), "another text");

        var report = Tree();

        Assert.Empty(Verify()[0].LeftOut);
        Assert.Contains(report.Covered, line => line.Subject == "records" && line.Statement.StartsWith("5 in .qkvmigrate", StringComparison.Ordinal));
        Assert.Contains(report.Covered, line => line.Subject == "checksums");
        Assert.Contains(report.LeftOut, line => line.Statement == "1 in both directories: README.md");
    }

    [Fact]
    public void What_was_not_asked_for_is_left_out_and_what_was_is_not()
    {
        Directory.CreateDirectory(Path.Combine(After, "c"));
        File.Copy(Path.Combine(After, "a", "lit_model.pth"), Path.Combine(After, "c", "lit_model.pth"));
        File.WriteAllText(Path.Combine(After, "c", "notes.txt"), "x");

        Assert.Contains(Tree("a", "b").LeftOut, line => line.Statement == "2 in the second directory alone: c/lit_model.pth, c/notes.txt");
        Assert.Equal(["file 'c/lit_model.pth': a checkpoint that the first directory has not", "file 'c/notes.txt': the first directory has no such file"], Differences("a", "c"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_backup_is_held_against_its_original(bool isChanged)
    {
        // In place, and beside it the old tree.
        var inPlace = Path.Combine(folder.FullName, "in-place");
        Directory.CreateDirectory(inPlace);
        foreach (var model in new[] { "a", "b" })
        {
            Directory.CreateDirectory(Path.Combine(inPlace, model));
            File.Copy(Path.Combine(Before, model, "lit_model.pth"), Path.Combine(inPlace, model, "lit_model.pth"));
            File.Copy(Path.Combine(Before, model, "model_config.yaml"), Path.Combine(inPlace, model, "model_config.yaml"));
        }

        Upgrade(inPlace, null);
        if (isChanged)
        {
            // With a record that says so.
            var backup = Path.Combine(inPlace, "a", "lit_model.pth.old");
            var bytes = File.ReadAllBytes(backup);
            bytes[bytes.Length / 2] ^= 1;
            File.WriteAllBytes(backup, bytes);
            File.WriteAllBytes(Path.Combine(inPlace, "a", RecordNames.Backups), BackupRecord.Bytes([BackupStamp.Of(backup, "lit_model.pth.old")]));
        }

        var reports = PathVerifier.Run(Before, inPlace, new VerificationOptions(), TestContext.Current.CancellationToken);

        Assert.Contains(Assert.Single(reports, report => report.IsOfTree).Covered, line => line.Statement == "b/lit_model.pth.old: byte by byte with b/lit_model.pth");
        Assert.Equal(isChanged ? ["file 'a/lit_model.pth.old'"] : [], reports.SelectMany(report => report.Differences).Select(difference => difference.Place));
    }

    private static void Fifo(string path) => Assert.Equal(0, ChildProcess.Run("mkfifo", [path]).ExitCode);

    private static void Upgrade(string path, string? output)
    {
        var engine = new StreamReorderEngine();
        var request = new MigrationRequest
        {
            Path = path,
            Output = output,
            InPlace = output is null,
            BackupSuffix = output is null ? ".old" : null,
            Direction = MigrationDirection.Upgrade,
            Engine = () => engine,
        };
        Assert.All(Migrator.Run(request, TestContext.Current.CancellationToken), report => Assert.Null(report.Error), throwIfEmpty: true);
    }

    private IReadOnlyList<VerificationReport> Verify(params string[] include) => PathVerifier.Run(
        Before,
        After,
        new VerificationOptions { Selection = new CheckpointSelection(include, []) },
        TestContext.Current.CancellationToken);

    /// <summary>What is told of the two trees as wholes.</summary>
    private VerificationReport Tree(params string[] include) => Assert.Single(Verify(include), report => report.IsOfTree);

    private static string Parts(string unit, int part) =>
        $$"""
        {
          "schemaVersion": 2,
          "count": 2,
          "ended": [],
          "units": [
            {
              "path": "{{unit}}",
              "bytes": 1,
              "part": {{part}},
              "isDone": false
            }
          ]
        }
        """;

    private List<string> Differences(params string[] include) => [.. Verify(include).SelectMany(report => report.Differences).Select(difference => difference.ToString())];
}
