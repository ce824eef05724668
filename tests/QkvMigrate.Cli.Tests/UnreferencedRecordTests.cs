using System.IO.Compression;
using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Storages that nothing names are told of, kept, and left out where that is asked for.</summary>
public sealed class UnreferencedRecordTests(FixtureSet fixtures) : IDisposable
{
    private const string Option = "--drop-unreferenced";

    private readonly WorkFolder _folder = new();

    private string Source => Path.Combine(fixtures["storages-written-twice"].Folder, "lit_model.pth");

    private string Target => _folder.At("small.pth");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Inspect_counts_them()
    {
        var text = Tool.Run("inspect", Source);
        var document = JsonReport.Document(Tool.Run("inspect", Source, "--json")).GetProperty("checkpoints")[0];
        var tensors = document.GetProperty("tensors").GetProperty("total").GetInt32();
        var unreferenced = document.GetProperty("unreferenced");

        Assert.Equal(tensors, unreferenced.GetProperty("records").GetInt32());
        Assert.Equal((2 * tensors, 2 * unreferenced.GetProperty("bytes").GetInt64()), Storages(Source));
        Assert.Contains($" in {tensors} storages that nothing names", text.Output, StringComparison.Ordinal);
        Assert.Contains("[unreferenced-records]", text.Output, StringComparison.Ordinal);
        Assert.Contains($" in {tensors} storages that nothing names", Page(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_upgrade_keeps_them_and_tells_of_them()
    {
        Assert.Equal(["unreferenced-records"], Codes(Upgrade()));
        Assert.Equal(Storages(Source), Storages(Target));
        var back = Tool.Run(["downgrade", Target, "-o", _folder.At("back.pth"), .. Geometry]);
        Assert.True(back.ExitCode == 0, back.Error);
        Assert.Equal(WorkFolder.Sha256(Source), WorkFolder.Sha256(_folder.At("back.pth")));
    }

    [Theory]
    [InlineData("quick")]
    [InlineData("full")]
    public void Without_them_PyTorch_reads_the_same(string verify)
    {
        Assert.Equal(["unreferenced-dropped"], Codes(Upgrade(Option, "--verify", verify)));
        var verdict = PyTorch.Run("without_unreferenced.py", Source, Target);
        Assert.True(verdict.ExitCode == 0, verdict.Error);
        Assert.Empty(JsonSerializer.Deserialize<string[]>(verdict.Output)!);
    }

    [Fact]
    public void Verify_proves_the_result_where_it_is_told_of_the_option()
    {
        Upgrade(Option);

        var told = Tool.Run(["verify", Source, Target, Option, .. Geometry]);
        var untold = Tool.Run(["verify", Source, Target, .. Geometry]);
        Upgrade("--force");
        var kept = Tool.Run(["verify", Source, Target, Option, .. Geometry]);

        Assert.True(told.ExitCode == 0, told.Output + told.Error);
        Assert.Contains(" storages that nothing names left out; ", told.Output, StringComparison.Ordinal);
        Assert.Equal((1, 1), (untold.ExitCode, kept.ExitCode));
        Assert.Contains("zip directory", untold.Output, StringComparison.Ordinal);
        Assert.Contains("zip directory", kept.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void On_the_way_back_they_stay_away()
    {
        Upgrade(Option);
        var back = Tool.Run(["downgrade", Target, "-o", _folder.At("back.pth"), .. Geometry]);
        Assert.True(back.ExitCode == 0, back.Error);
        var both = Tool.Run(["downgrade", Target, "-o", _folder.At("both.pth"), Option, .. Geometry]);
        Assert.True(both.ExitCode == 0, both.Error);

        Assert.Equal(Storages(Target), Storages(_folder.At("back.pth")));
        Assert.Equal(WorkFolder.Sha256(_folder.At("back.pth")), WorkFolder.Sha256(_folder.At("both.pth")));
    }

    [Fact]
    public void A_file_that_needs_no_change_is_left_alone_and_says_so()
    {
        Upgrade();
        var run = Tool.Run("upgrade", Target, "-o", _folder.At("again.pth"), Option, "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        var advice = JsonReport.Document(run).GetProperty("checkpoints")[0].GetProperty("advice").EnumerateArray().Single(advice => advice.Text("code") == "unreferenced-records");
        Assert.EndsWith("along with a change of layout, which this file does not need", advice.Text("message"), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.At("again.pth")));
    }

    [Fact]
    public void A_tree_is_made_again_with_the_option()
    {
        var tree = _folder.At("tree");
        Directory.CreateDirectory(tree);
        _folder.Take(fixtures["storages-written-twice"].Folder, Path.Combine("tree", "a"));
        var output = _folder.At("out");
        string[] statuses = [Status(), Status(Option), Status(Option)];

        Assert.Equal(["upgraded", "upgraded", "skipped"], statuses);
        var verify = Tool.Run("verify", tree, output, Option);
        Assert.True(verify.ExitCode == 0, verify.Output + verify.Error);

        string Status(params string[] options)
        {
            var run = Tool.Run(["upgrade", tree, "-o", output, "--json", .. options]);
            Assert.True(run.ExitCode == 0, run.Error);
            return JsonReport.Document(run).GetProperty("checkpoints")[0].Text("status")!;
        }
    }

    private static string[] Geometry => ["--n-head", "6", "--n-query-groups", "2", "--head-size", "4"];

    private static (int Count, long Bytes) Storages(string path)
    {
        using var zip = ZipFile.OpenRead(path);
        var storages = zip.Entries.Where(entry => entry.FullName.Contains("/data/", StringComparison.Ordinal)).ToList();
        return (storages.Count, storages.Sum(entry => entry.Length));
    }

    private string Page()
    {
        var run = Tool.Run("inspect", Source, "--html", _folder.At("page.html"));
        Assert.True(run.ExitCode == 0, run.Error);
        return File.ReadAllText(_folder.At("page.html"));
    }

    private ProcessResult Upgrade(params string[] options)
    {
        var run = Tool.Run(["upgrade", Source, "-o", Target, "--json", .. options]);
        Assert.True(run.ExitCode == 0, run.Error);
        return run;
    }

    private static IEnumerable<string?> Codes(ProcessResult run) =>
        JsonReport.Document(run).GetProperty("checkpoints")[0].GetProperty("advice").EnumerateArray().Select(advice => advice.Text("code")).Where(code => code!.StartsWith("unreferenced-", StringComparison.Ordinal));
}
