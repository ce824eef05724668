using System.Text;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>A program without libtorch takes the user's, from where it was told or where the active environment has it.</summary>
public sealed class LibtorchTests : IDisposable
{
    private const string Question = "1,2";

    private readonly WorkFolder _folder = new();
    private readonly string _program;

    public LibtorchTests() => _program = BareProgram.CopyTo(_folder.At("program"));

    private static string Sample => Repository.At("samples", "tiny-licenses-gqa");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Without_one_what_needs_none_works_and_the_rest_says_what_is_missing()
    {
        Assert.Equal(0, Run([], "upgrade", Sample, "-o", _folder.At("upgraded")).ExitCode);
        foreach (var arguments in Needy())
        {
            var run = Run([], arguments);
            Assert.Equal(1, run.ExitCode);
            var line = Assert.Single(run.ErrorLines);
            Assert.Contains(", VIRTUAL_ENV is not set, CONDA_PREFIX is not set; name PyTorch's folder, ", line, StringComparison.Ordinal);
            Assert.Contains($"no libtorch (libtorch_cpu.so): not beside the program ({_folder.At("program")}", line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_command_that_needs_one_takes_the_named_one_and_says_so()
    {
        var libtorch = Libtorch();
        Assert.Equal(0, Run([], "upgrade", Sample, "-o", _folder.At("upgraded")).ExitCode);
        foreach (var arguments in Needy())
        {
            var run = Run([], [.. arguments, "--libtorch", libtorch, "--verbose"]);
            Assert.True(run.ExitCode == 0, run.Error);
            Assert.Contains(run.ErrorLines, line => line.StartsWith("qkvmigrate: libtorch 2.", StringComparison.Ordinal) && line.Contains($" of {libtorch} (--libtorch), ", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("QKVMIGRATE_LIBTORCH", "")]
    [InlineData("VIRTUAL_ENV", "lib/python3.11/site-packages/torch/lib")]
    [InlineData("CONDA_PREFIX", "lib/python3.12/site-packages/torch/lib")]
    public void The_environment_names_one(string variable, string below)
    {
        var place = _folder.At("environment", below);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(place))!);
        Directory.CreateSymbolicLink(Path.TrimEndingDirectorySeparator(place), Libtorch());
        var run = Run(new() { [variable] = _folder.At("environment") }, "generate", Sample, "--tokens", Question, "--max-new-tokens", "2", "-v");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.EndsWith($" of {Path.TrimEndingDirectorySeparator(place)} ({variable}), for the CPU alone", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Equal(Tool.Run("generate", Sample, "--tokens", Question, "--max-new-tokens", "2").Output, run.Output);
    }

    [Theory]
    [InlineData("/usr/bin/python3")]
    [InlineData("/usr/lib/python3/dist-packages/torch")]
    [InlineData("/usr")]
    public void Debians_PyTorch_is_refused_with_both_versions_and_the_symbol(string path)
    {
        PyTorch.Require();
        Assert.SkipUnless(File.ReadAllText("/usr/lib/python3/dist-packages/torch/version.py").Contains("'1.13.0", StringComparison.Ordinal), "this Debian has another PyTorch");
        Assert.Matches(@"^qkvmigrate: \S+/torch/lib \(--libtorch\): libtorch 1\.13\.0a0 does not fit TorchSharp, which is made for PyTorch 2\.10\.0: symbol _Z\w+ is missing, and 303 more$", Refusal(path));
    }

    [Fact]
    public void What_is_no_libtorch_is_refused_in_one_line()
    {
        var empty = Directory.CreateDirectory(_folder.At("empty")).FullName;
        Assert.StartsWith($"qkvmigrate: --libtorch {empty}: no libtorch_cpu.so there, looked in {empty}, ", Refusal(empty), StringComparison.Ordinal);
        Assert.Equal($"qkvmigrate: --libtorch {_folder.At("none")}: no such file or directory", Refusal(_folder.At("none")));

        var text = Libraries("text", "not a library"u8.ToArray());
        Assert.Equal($"qkvmigrate: {text}/libtorch_cpu.so: this is no library: it does not begin as an ELF file does", Refusal(text));

        var image = File.ReadAllBytes(Path.Combine(Libtorch(), "libtorch.so"));
        image[0x12] = 183; // e_machine
        var arm = Libraries("arm", image);
        Assert.Equal($"qkvmigrate: {arm}/libtorch_cpu.so: a library for aarch64, and this program runs on x86-64", Refusal(arm));

        Assert.Equal(2, Run([], "generate", Sample, "--tokens", Question, "--libtorch", "").ExitCode);
    }

    [Fact]
    public void A_text_in_the_place_of_one_library_is_refused()
    {
        var mixed = Directory.CreateDirectory(_folder.At("mixed")).FullName;
        foreach (var name in new[] { "libc10.so", "libtorch.so" })
        {
            File.CreateSymbolicLink(Path.Combine(mixed, name), Path.Combine(Libtorch(), name));
        }

        File.WriteAllText(Path.Combine(mixed, "libtorch_cpu.so"), "torch = 2.11\n", Encoding.ASCII);
        Assert.Equal($"qkvmigrate: {mixed}/libtorch_cpu.so: this is no library: it does not begin as an ELF file does", Refusal(mixed));
    }

    private static string Libtorch()
    {
        Assert.SkipWhen(BareProgram.Libtorch is null, "the program under test has no libtorch of its own");
        return BareProgram.Libtorch;
    }

    /// <summary>A command line for each command that computes with libtorch; that of verify wants the sample upgraded.</summary>
    private IEnumerable<string[]> Needy() =>
    [
        ["generate", Sample, "--tokens", Question, "--max-new-tokens", "1"],
        ["bench", Sample, "--repetitions", "1"],
        ["verify", Sample, _folder.At("upgraded"), "--forward"],
        ["upgrade", Sample, "-o", _folder.At("by-torch"), "--engine", "torch", "--device", "cpu", "--force"],
    ];

    private string Libraries(string name, byte[] library)
    {
        var folder = Directory.CreateDirectory(_folder.At(name)).FullName;
        foreach (var file in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so" })
        {
            File.WriteAllBytes(Path.Combine(folder, file), library);
        }

        return folder;
    }

    private string Refusal(string path)
    {
        var run = Run([], "generate", Sample, "--tokens", Question, "--libtorch", path);
        Assert.Equal(1, run.ExitCode);
        Assert.Empty(run.Output);
        return Assert.Single(run.ErrorLines);
    }

    private ProcessResult Run(Dictionary<string, string> environment, params string[] arguments)
    {
        // The tests themselves may run on a libtorch that is named.
        var whole = new Dictionary<string, string>(Tool.Environment) { ["QKVMIGRATE_LIBTORCH"] = "" };
        foreach (var (name, value) in environment)
        {
            whole[name] = value;
        }

        return ChildProcess.Run(_program, arguments, whole);
    }
}
