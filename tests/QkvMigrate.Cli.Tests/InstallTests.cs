using System.IO.Compression;
using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>The packages, and the tool that <c>dotnet tool install</c> makes of one.</summary>
public sealed class InstallTests : IDisposable
{
    private const string Nobody = "65534";

    private readonly WorkFolder _folder = WorkFolder.ForOthers();

    /// <summary>The package that was made.</summary>
    private string Package => Assert.Single(Directory.GetFiles(_folder.At("feed"), "*.nupkg"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_packed_tool_works_for_a_stranger()
    {
        Pack("QkvMigrate.Cli");
        Assert.InRange(new FileInfo(Package).Length, 1, 20 << 20);
        AssertHasWhatItNeeds();
        File.WriteAllText(_folder.At("nuget.config"), $"""<configuration><packageSources><clear /><add key="feed" value="{_folder.At("feed")}" /></packageSources></configuration>""");
        Directory.CreateDirectory(_folder.At("home"));
        var sample = _folder.Take(Repository.At("samples", "tiny-licenses-gqa"));
        var expected = Tool.Run("upgrade", sample, "-o", _folder.At("expected"));
        Assert.True(expected.ExitCode == 0, expected.Error);
        GiveAway();

        Succeed(RunAsStranger("dotnet", "tool", "install", "QkvMigrate.Tool", "--tool-path", _folder.At("tools"), "--configfile", _folder.At("nuget.config")));
        var tool = _folder.At("tools", "qkvmigrate");
        Assert.Matches(@"^\d+\.\d+\.\d+(\+[0-9a-f]{40})?\n$", Succeed(RunAsStranger(tool, "--version")));
        Succeed(RunAsStranger(tool, "upgrade", sample, "-o", _folder.At("upgraded")));
        Assert.Equal(WorkFolder.Snapshot(_folder.At("expected")), WorkFolder.Snapshot(_folder.At("upgraded")));
        Succeed(RunAsStranger(tool, "verify", sample, _folder.At("upgraded")));

        // libtorch is not in the package; what needs it says so, and takes another.
        AssertMissesLibtorch(1, RunAsStranger(tool, "generate", sample, "--tokens", "1"));
        AssertMissesLibtorch(1, RunAsStranger(tool, "upgrade", sample, "-o", _folder.At("new"), "--engine", "torch"));
        Assert.False(File.Exists(_folder.At("new", "lit_model.pth")));
        if (BareProgram.Libtorch is { } libtorch)
        {
            // The packages of this machine's user may be closed to others.
            var question = new[] { tool, "generate", sample, "--tokens", "1,2", "--libtorch", libtorch };
            Assert.Equal(Tool.Run(question[1..^2]).Output, Succeed(ChildProcess.Run(question[0], question[1..], Tool.Environment)));
        }
    }

    [Fact]
    public void The_librarys_package_has_its_documentation()
    {
        Pack("QkvMigrate");
        using var package = ZipFile.OpenRead(Package);
        var files = package.Entries.Select(entry => entry.FullName);
        Assert.Superset(new HashSet<string>(["README.md", "lib/net10.0/QkvMigrate.Core.dll", "lib/net10.0/QkvMigrate.Core.xml"]), files.ToHashSet());
        Assert.Contains(
            "M:QkvMigrate.Running.Migrator.Run(QkvMigrate.Running.MigrationRequest,System.Threading.CancellationToken)",
            Text(package, "lib/net10.0/QkvMigrate.Core.xml"),
            StringComparison.Ordinal);
    }

    /// <summary>No native code for others than Linux x64, and the licence of each package whose library is in it, by the version that is there.</summary>
    private void AssertHasWhatItNeeds()
    {
        using var package = ZipFile.OpenRead(Package);
        // One package for all systems: only Linux x64 has native code in it, and the others do without.
        Assert.Equal(
            ["tools/net10.0/any/runtimes/linux-x64/native/libLibTorchSharp.so"],
            package.Entries.Select(entry => entry.FullName).Where(name => name.Contains("/runtimes/", StringComparison.Ordinal)));
        using var dependencies = JsonDocument.Parse(Text(package, "tools/net10.0/any/qkvmigrate.deps.json"));
        var libraries = dependencies.RootElement.GetProperty("libraries").EnumerateObject()
            .Where(library => library.Value.GetProperty("type").GetString() == "package")
            .Select(library => library.Name.Replace('/', ' '))
            .ToList();
        Assert.Contains("TorchSharp 0.107.0", libraries);
        var lines = Text(package, "tools/net10.0/any/THIRD-PARTY-NOTICES.txt").Split('\n');
        Assert.Empty(libraries.Except(lines, StringComparer.Ordinal));
        Assert.Contains("Redistribution and use in source and binary forms, with or without", lines);
        Assert.DoesNotContain(lines, line => line.Contains('\r', StringComparison.Ordinal));
    }

    private static string Text(ZipArchive package, string entry)
    {
        using var reader = new StreamReader(package.GetEntry(entry)!.Open());
        return reader.ReadToEnd();
    }

    private static void AssertMissesLibtorch(int exitCode, ProcessResult run)
    {
        Assert.Equal(exitCode, run.ExitCode);
        var error = Assert.Single(run.ErrorLines);
        Assert.Contains("no libtorch (libtorch_cpu.so): not beside the program (", error, StringComparison.Ordinal);
        Assert.EndsWith("; only generate, bench, verify --forward, --lora merge and --engine torch need it", error, StringComparison.Ordinal);
    }

    private void Pack(string project) =>
        Succeed(ChildProcess.Run(
            "dotnet",
            ["pack", Repository.At("src", project), "-c", BuildFacts.Configuration, "--no-restore", "-o", _folder.At("feed")],
            new Dictionary<string, string> { ["MSBUILDDISABLENODEREUSE"] = "1" }));

    /// <summary>Runs a program as somebody who has nothing of this user's: no home, no packages, and where root tests, no rights.</summary>
    private ProcessResult RunAsStranger(params string[] command)
    {
        var environment = new Dictionary<string, string>(Tool.Environment)
        {
            ["HOME"] = _folder.At("home"),
            ["TMPDIR"] = "/tmp",
            ["DOTNET_CLI_HOME"] = _folder.At("home"),
            ["NUGET_PACKAGES"] = _folder.At("home", "packages"),
        };
        return Environment.IsPrivilegedProcess
            ? ChildProcess.Run("setpriv", ["--reuid", Nobody, "--regid", Nobody, "--clear-groups", .. command], environment)
            : ChildProcess.Run(command[0], command[1..], environment);
    }

    private void GiveAway()
    {
        if (Environment.IsPrivilegedProcess)
        {
            Succeed(ChildProcess.Run("chown", ["-R", Nobody, _folder.Path]));
        }
    }

    private static string Succeed(ProcessResult run)
    {
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        return run.Output;
    }
}
