using System.IO.Compression;
using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>The wheel: what is in it, and what it does in a fresh environment of Debian's Python, without a network.</summary>
public sealed class WheelTests : IDisposable
{
    private const int MegaByte = 1_000_000;

    private readonly WorkFolder folder = new();

    private string Sample { get; } = Repository.At("samples", "tiny-licenses-gqa");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void It_has_the_program_the_module_and_no_more()
    {
        var file = PythonWheel.Build(folder.At("wheels"));
        var version = Tool.Run("--version").Output.Trim().Split('+')[0];
        var name = Path.GetFileNameWithoutExtension(file);
        Assert.StartsWith($"qkvmigrate-{version}-", name, StringComparison.Ordinal);
        var tag = name[$"qkvmigrate-{version}-".Length..];
        Assert.Equal("py3-none-manylinux_2_27_x86_64", tag);
        Assert.InRange(new FileInfo(file).Length, 1, 8 * MegaByte);

        using var wheel = ZipFile.OpenRead(file);
        var metadata = $"qkvmigrate-{version}.dist-info";
        Assert.Equal(
            [
                $"{metadata}/METADATA", $"{metadata}/RECORD", $"{metadata}/WHEEL", $"{metadata}/entry_points.txt", $"{metadata}/licenses/LICENSE",
                $"{metadata}/licenses/THIRD-PARTY-NOTICES.txt",
                "qkvmigrate/__init__.py", "qkvmigrate/__main__.py", "qkvmigrate/_decoding.py", "qkvmigrate/_libtorch.py", "qkvmigrate/_program.py",
                "qkvmigrate/_running.py", "qkvmigrate/bin/libLibTorchSharp.so", "qkvmigrate/bin/qkvmigrate", "qkvmigrate/py.typed",
                "qkvmigrate/reports.py", "qkvmigrate/verifications.py",
            ],
            wheel.Entries.Select(entry => entry.FullName).Order(StringComparer.Ordinal));
        Assert.Equal(0b001_001_001, (wheel.GetEntry("qkvmigrate/bin/qkvmigrate")!.ExternalAttributes >> 16) & 0b001_001_001);
        Assert.Contains($"Tag: {tag}\n", Text(wheel, $"{metadata}/WHEEL"), StringComparison.Ordinal);
        Assert.Contains("Root-Is-Purelib: false\n", Text(wheel, $"{metadata}/WHEEL"), StringComparison.Ordinal);
        // The runtime is linked in, with what others have written of it.
        Assert.Matches(@"\nMicrosoft\.NETCore\.App\.Runtime\.NativeAOT\.linux-x64 \d+\.\d+\.\d+\n", Text(wheel, $"{metadata}/licenses/THIRD-PARTY-NOTICES.txt"));
    }

    [Fact]
    public void Two_builds_give_the_same_bytes() =>
        Assert.Equal(File.ReadAllBytes(PythonWheel.Build(folder.At("first"))), File.ReadAllBytes(PythonWheel.Build(folder.At("second"))));

    [Fact]
    public void The_modules_types_are_those_of_the_schemas() => PythonWheel.Succeed(PythonWheel.RunInProject("make_types.py", "--check"));

    [Fact]
    public void The_module_is_typed() => PythonWheel.Succeed(PythonWheel.RunInProject("-m", "mypy", "--config-file", "pyproject.toml", "--cache-dir", "/dev/null"));

    [Fact]
    [Trait("Category", "Slow")]
    public void It_is_installed_works_and_leaves_nothing()
    {
        var wheel = PythonWheel.Build(folder.At("wheels"));
        var programs = PythonWheel.CreateEnvironment(folder.At("environment"));
        var before = WorkFolder.Snapshot(folder.At("environment"));
        Assert.NotEmpty(before);
        Install(programs, wheel);

        var script = Path.Combine(programs, "qkvmigrate");
        Assert.Equal(Tool.Run("--version").Output, PythonWheel.Succeed(ChildProcess.Run(script, ["--version"])));
        PythonWheel.Succeed(Tool.Run("upgrade", Sample, "-o", folder.At("expected")));
        PythonWheel.Succeed(ChildProcess.Run(script, ["upgrade", Sample, "-o", folder.At("upgraded")]));
        Assert.Equal(WorkFolder.Snapshot(folder.At("expected")), WorkFolder.Snapshot(folder.At("upgraded")));
        Assert.Equal(2, ChildProcess.Run(script, ["upgrade"]).ExitCode);
        Assert.Equal(Tool.Run("--version").Output, PythonWheel.Succeed(ChildProcess.Run(Path.Combine(programs, "python"), ["-m", "qkvmigrate", "--version"])));

        PythonWheel.Succeed(ChildProcess.Run(Path.Combine(programs, "pip"), ["uninstall", "--yes", "qkvmigrate"]));
        Assert.Equal(before, WorkFolder.Snapshot(folder.At("environment")));
    }

    /// <summary>Tests of the module's own, in Python: the types, the errors, and Ctrl-C while the program writes.</summary>
    [Fact]
    [Trait("Category", "Slow")]
    public void The_module_does_what_it_says()
    {
        var programs = InstalledEnvironment();
        LegacyCheckpoint.Write(folder.At("large.pth"), 60);
        var options = LegacyCheckpoint.Arguments.Chunk(2).ToDictionary(pair => pair[0].TrimStart('-').Replace('-', '_'), pair => pair[1], StringComparer.Ordinal);
        PythonWheel.Succeed(ChildProcess.Run(
            Path.Combine(programs, "python"),
            ["-B", Repository.At("packaging", "python", "tests", "test_qkvmigrate.py")],
            new Dictionary<string, string>
            {
                ["QKVMIGRATE_TEST_SAMPLE"] = Sample,
                ["QKVMIGRATE_TEST_LARGE"] = folder.At("large.pth"),
                ["QKVMIGRATE_TEST_LARGE_OPTIONS"] = JsonSerializer.Serialize(options),
            }));
    }

    /// <summary>A package of PyTorch's name beside it, which must not be imported for that, gives its libraries.</summary>
    [Fact]
    [Trait("Category", "Slow")]
    public void It_works_with_the_libtorch_of_its_environment()
    {
        if (BareProgram.Libtorch is not { } libtorch)
        {
            Assert.Skip("the program under test has no libtorch to lend");
            return;
        }

        var programs = InstalledEnvironment();
        var script = Path.Combine(programs, "qkvmigrate");
        string[] question = ["generate", Sample, "--tokens", "1,2"];
        Assert.Equal(1, ChildProcess.Run(script, question).ExitCode);

        var torch = Path.Combine(Assert.Single(Directory.GetDirectories(folder.At("environment", "lib"), "python3.*")), "site-packages", "torch");
        Directory.CreateDirectory(torch);
        File.WriteAllText(Path.Combine(torch, "__init__.py"), "raise AssertionError('PyTorch was imported')\n");
        Directory.CreateSymbolicLink(Path.Combine(torch, "lib"), libtorch);
        Assert.Equal(PythonWheel.Succeed(Tool.Run(question)), PythonWheel.Succeed(ChildProcess.Run(script, question)));
    }

    private static void Install(string programs, string wheel) =>
        PythonWheel.Succeed(ChildProcess.Run(Path.Combine(programs, "pip"), ["install", "--no-index", "--disable-pip-version-check", wheel]));

    private static string Text(ZipArchive wheel, string entry)
    {
        using var reader = new StreamReader(wheel.GetEntry(entry)!.Open());
        return reader.ReadToEnd();
    }

    private string InstalledEnvironment()
    {
        var wheel = PythonWheel.Build(folder.At("wheels"));
        var programs = PythonWheel.CreateEnvironment(folder.At("environment"));
        Install(programs, wheel);
        return programs;
    }
}
