using System.IO.Compression;
using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>What <c>build/release</c> does besides calling compilers: whole releases are made and compared by hand (docs/releasing.md).</summary>
public sealed class ReleaseTests : IDisposable
{
    private const string Seconds = "1764288000"; // 2025-11-28 00:00:00 UTC

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(2, "--runtime: expected --runtime RID", "--runtime")]
    [InlineData(2, "--no-such: expected --runtime RID", "--no-such", "linux-x64")]
    [InlineData(2, "linux-x86: expected one of linux-x64 linux-arm64 linux-musl-x64 win-x64 osx-arm64 osx-x64", "--runtime", "linux-x86")]
    [InlineData(2, "two: expected one folder for what is made", "one", "two")]
    [InlineData(1, "/bin/false has no hatchling, which makes the wheel: apt-get install python3-hatchling, PYTHON=/usr/bin/python3", "one")]
    public void What_cannot_be_made_is_told_before_anything_is(int exitCode, string problem, params string[] arguments)
    {
        var run = ChildProcess.Run(Repository.At("build", "release"), arguments, new Dictionary<string, string> { ["PYTHON"] = "/bin/false" });

        Assert.Equal((exitCode, $"release: {problem}\n"), (run.ExitCode, run.Error));
    }

    [Fact]
    public void Zips_of_the_same_files_become_the_same_bytes()
    {
        Write("first.zip", DateTimeOffset.UnixEpoch.AddYears(20), ("b/two", "2"), ("a", "1"));
        Write("second.zip", DateTimeOffset.UnixEpoch.AddYears(30), ("a", "1"), ("b/two", "2"));
        foreach (var name in new[] { "first.zip", "second.zip" })
        {
            Succeed("settle-zip", folder.At(name), Seconds);
        }

        Assert.Equal(File.ReadAllBytes(folder.At("first.zip")), File.ReadAllBytes(folder.At("second.zip")));
        using var zip = ZipFile.OpenRead(folder.At("first.zip"));
        Assert.Equal(["a", "b/two"], zip.Entries.Select(entry => entry.FullName));
        Assert.Equal([new DateTime(2025, 11, 28)], zip.Entries.Select(entry => entry.LastWriteTime.DateTime).Distinct());
    }

    [Fact]
    public void The_bill_of_materials_has_the_runtime_of_each_system()
    {
        File.WriteAllText(
            folder.At("bom.json"),
            """{"metadata": {"timestamp": "now", "component": {"bom-ref": "own"}}, "components": [], "dependencies": [{"ref": "own", "dependsOn": []}]}""");
        WriteAssets("linux.json", "Microsoft.AspNetCore.App.Runtime.linux-x64", "Microsoft.NETCore.App.Runtime.linux-x64", "Microsoft.NETCore.App.Runtime.NativeAOT.linux-x64");
        WriteAssets("windows.json", "Microsoft.NETCore.App.Host.win-x64", "Microsoft.NETCore.App.Runtime.win-x64");

        using var bill = JsonDocument.Parse(Succeed("settle-bill", folder.At("bom.json"), Seconds, folder.At("windows.json"), folder.At("linux.json"), folder.At("linux.json")));

        var root = bill.RootElement;
        string[] expected = ["pkg:nuget/Microsoft.NETCore.App.Runtime.NativeAOT.linux-x64@10.0.12", "pkg:nuget/Microsoft.NETCore.App.Runtime.win-x64@10.0.12"];
        Assert.Equal("2025-11-28T00:00:00Z", root.GetProperty("metadata").GetProperty("timestamp").GetString());
        Assert.Equal(expected, root.GetProperty("components").EnumerateArray().Select(component => component.GetProperty("purl").GetString()));
        Assert.Equal(expected, root.GetProperty("dependencies")[0].GetProperty("dependsOn").EnumerateArray().Select(name => name.GetString()));
    }

    private static string Succeed(string script, params string[] arguments)
    {
        Python.Require();
        return PythonWheel.Succeed(ChildProcess.Run(Python.Interpreter, ["-B", Repository.At("build", script), .. arguments]));
    }

    private void WriteAssets(string name, params string[] packages)
    {
        var downloads = packages.Select(package => $$"""{"name": "{{package}}", "version": "[10.0.12, 10.0.12]"}""");
        File.WriteAllText(folder.At(name), """{"project": {"frameworks": {"net10.0": {"downloadDependencies": [""" + string.Join(", ", downloads) + "]}}}}");
    }

    private void Write(string name, DateTimeOffset time, params (string Name, string Content)[] files)
    {
        using var zip = ZipFile.Open(folder.At(name), ZipArchiveMode.Create);
        foreach (var (file, content) in files)
        {
            var entry = zip.CreateEntry(file);
            entry.LastWriteTime = time;
            using var writer = new StreamWriter(entry.Open());
            writer.Write(content);
        }
    }
}
