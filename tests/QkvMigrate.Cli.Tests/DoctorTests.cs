using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary><c>doctor</c>: what it says of the machine, held against what the system says by other ways.</summary>
public sealed class DoctorTests : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_fits_one_screen_and_leaves_nothing_behind()
    {
        var run = Tool.Run("doctor", _folder.Path);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Empty(run.Error);
        var lines = run.Output.TrimEnd('\n').Split('\n');
        Assert.InRange(lines.Length, 11, 24);
        Assert.Matches(@"^qkvmigrate  \d+\.\d+\.\d+", lines[0]);
        Assert.Contains(lines, line => line == $"folder      {_folder.Path}");
        Assert.Contains(lines, line => line == "            TorchSharp is made for PyTorch 2.10.0");
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void The_facts_are_the_systems()
    {
        var report = Report(Tool.Run("doctor", _folder.Path, "--json"));
        Assert.Equal(Tool.Run("--version").Output.TrimEnd('\n'), report.GetProperty("version").GetString());
        Assert.Equal(ChildProcess.Run("uname", ["-r"]).Output.Split('-')[0].Trim('\n').Split('.')[..2], report.GetProperty("system").GetProperty("kernel").GetString()!.Split('.')[..2]);
        Assert.EndsWith(ChildProcess.Run("getconf", ["GNU_LIBC_VERSION"]).Output.Trim('\n'), report.GetProperty("system").GetProperty("libc").GetString()!, StringComparison.Ordinal);
        Assert.Equal(BuildFacts.IsNative, report.GetProperty("system").GetProperty("runtime").GetString()!.StartsWith("native code", StringComparison.Ordinal));
        Assert.Equal("stream", report.GetProperty("automatic").GetProperty("engine").GetString());
        Assert.Equal(("stream", "cpu"), (report.GetProperty("engines")[0].GetProperty("engine").GetString(), report.GetProperty("engines")[0].GetProperty("device").GetString()));
        var cuda = report.GetProperty("cuda");
        Assert.Equal(cuda.GetProperty("devices").GetArrayLength() == 0, cuda.TryGetProperty("problem", out _));
    }

    [Fact]
    public void The_libtorch_is_the_one_that_generate_takes()
    {
        var libtorch = Report(Tool.Run("doctor", _folder.Path, "--json")).GetProperty("libtorch");
        Assert.True(libtorch.TryGetProperty("found", out var found), libtorch.ToString());
        var taken = Tool.Run("generate", Repository.At("samples", "tiny-licenses-gqa"), "--tokens", "1", "--max-new-tokens", "1", "-v");
        Assert.Contains($" of {found.GetProperty("folder")} ({found.GetProperty("origin")}), ", Assert.Single(taken.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public void A_libtorch_that_cannot_be_taken_is_told_with_its_reason()
    {
        var report = Report(Tool.Run("doctor", _folder.Path, "--json", "--libtorch", _folder.Path));
        Assert.StartsWith($"--libtorch {_folder.Path}: no libtorch_cpu.so there, looked in ", report.GetProperty("libtorch").GetProperty("problem").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, report.GetProperty("engines").GetArrayLength());
        Assert.False(report.GetProperty("libtorch").TryGetProperty("found", out _));
    }

    [Fact]
    public void The_filesystem_is_that_of_the_path()
    {
        Assert.SkipUnless(new DriveInfo("/dev/shm").DriveFormat == "tmpfs", "no tmpfs at /dev/shm");
        Assert.Equal("tmpfs", Report(Tool.Run("doctor", "/dev/shm", "--json")).GetProperty("filesystem").GetProperty("type").GetString());
        var file = _folder.Write("model.pth", "");
        Assert.Equal(_folder.Path, Report(Tool.Run("doctor", file, "--json")).GetProperty("filesystem").GetProperty("folder").GetString());
    }

    [Fact]
    public void Where_nothing_may_be_written_the_reason_is_told()
    {
        var filesystem = Report(Tool.Run("doctor", "/proc", "--json")).GetProperty("filesystem");
        Assert.Equal("proc", filesystem.GetProperty("type").GetString());
        Assert.NotEmpty(filesystem.GetProperty("problem").GetString()!);
        Assert.False(filesystem.TryGetProperty("abilities", out _));
    }

    [Fact]
    public void A_path_that_is_not_there_fails()
    {
        var run = Tool.Run("doctor", _folder.At("none"));
        Assert.Equal(1, run.ExitCode);
        Assert.Equal([$"qkvmigrate: {_folder.At("none")}: no such file or directory"], run.ErrorLines);
        Assert.Empty(run.Output);
    }

    private static JsonElement Report(ProcessResult run)
    {
        Assert.True(run.ExitCode == 0, run.Error);
        using var document = JsonDocument.Parse(run.Output);
        return document.RootElement.Clone();
    }
}
