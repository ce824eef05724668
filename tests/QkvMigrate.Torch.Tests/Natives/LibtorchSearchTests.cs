using QkvMigrate.Testing;
using QkvMigrate.Torch.Natives;
using Xunit;

namespace QkvMigrate.Torch.Tests.Natives;

/// <summary>Which libtorch is taken, told from folders that hold nothing but names.</summary>
public sealed class LibtorchSearchTests : IDisposable
{
    private readonly WorkFolder folder = new();
    private readonly Dictionary<string, string> variables = [];

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("libraries", "libraries")]
    [InlineData("libraries/libtorch_cpu.so", "libraries")]
    [InlineData("libtorch", "libtorch/lib")]
    [InlineData("venv/lib/python3.11/site-packages/torch", "venv/lib/python3.11/site-packages/torch/lib")]
    [InlineData("venv/lib/python3.11/site-packages", "venv/lib/python3.11/site-packages/torch/lib")]
    [InlineData("venv", "venv/lib/python3.11/site-packages/torch/lib")]
    [InlineData("venv/bin/python3", "venv/lib/python3.11/site-packages/torch/lib")]
    [InlineData("venv/bin/python", "venv/lib/python3.11/site-packages/torch/lib")]
    [InlineData("conda", "conda/lib/python3.9/site-packages/torch/lib")]
    [InlineData("conda/bin/python3.9", "conda/lib/python3.9/site-packages/torch/lib")]
    [InlineData("debian/bin/python3", "debian/lib/python3/dist-packages/torch/lib")]
    [InlineData("fedora/bin/python3", "fedora/lib64/python3.13/site-packages/torch/lib")]
    [InlineData("seeing", "debian/lib/python3/dist-packages/torch/lib")]
    [InlineData("seeing/bin/python3", "debian/lib/python3/dist-packages/torch/lib")]
    [InlineData("libtorch-cpu-linux-x64/2.9.1", "libtorch-cpu-linux-x64/2.9.1/runtimes/linux-x64/native")]
    public void A_named_path_is_understood(string named, string expected)
    {
        Layouts();
        Assert.Equal((folder.At(expected), "--libtorch"), Found(folder.At(named)));
        variables["QKVMIGRATE_LIBTORCH"] = folder.At(named);
        Assert.Equal((folder.At(expected), "QKVMIGRATE_LIBTORCH"), Found(null));
    }

    [Fact]
    public void An_environment_has_the_packages_of_its_own_Python()
    {
        Libraries("venv/lib/python3.9/site-packages/torch/lib");
        Libraries("venv/lib/python3.11/site-packages/torch/lib");
        Assert.Equal(folder.At("venv/lib/python3.11/site-packages/torch/lib"), Found(folder.At("venv")).Folder);
        Interpreter("venv", "python3.9");
        Assert.Equal(folder.At("venv/lib/python3.9/site-packages/torch/lib"), Found(folder.At("venv")).Folder);
    }

    [Fact]
    public void What_is_named_comes_before_what_is_beside_and_that_before_what_is_active()
    {
        foreach (var name in new[] { "option", "variable", "beside", "venv/lib", "conda/lib" })
        {
            Libraries(name);
        }

        variables["CONDA_PREFIX"] = folder.At("conda");
        Assert.Equal((folder.At("conda/lib"), "CONDA_PREFIX"), Found(null, "empty"));
        variables["VIRTUAL_ENV"] = folder.At("venv");
        Assert.Equal((folder.At("venv/lib"), "VIRTUAL_ENV"), Found(null, "empty"));
        Assert.Equal((folder.At("beside"), "beside the program"), Found(null, "beside"));
        variables["QKVMIGRATE_LIBTORCH"] = folder.At("variable");
        Assert.Equal((folder.At("variable"), "QKVMIGRATE_LIBTORCH"), Found(null, "beside"));
        Assert.Equal((folder.At("option"), "--libtorch"), Found(folder.At("option"), "beside"));
        variables["QKVMIGRATE_LIBTORCH"] = "";
        Assert.Equal("beside the program", Found(null, "beside").Origin);
    }

    [Fact]
    public void Nothing_is_taken_in_place_of_what_was_named()
    {
        Libraries("beside");
        Directory.CreateDirectory(folder.At("empty"));
        var refused = Assert.Throws<MigrationException>(() => Found(folder.At("empty"), "beside"));
        Assert.Equal(FailureKind.Unavailable, refused.Kind);
        Assert.StartsWith($"--libtorch {folder.At("empty")}: no libtorch_cpu.so there, looked in {folder.At("empty")}, {folder.At("empty/lib")}, ", refused.Message, StringComparison.Ordinal);

        refused = Assert.Throws<MigrationException>(() => Found(folder.At("none"), "beside"));
        Assert.Equal($"--libtorch {folder.At("none")}: no such file or directory", refused.Message);

        File.WriteAllText(folder.At("file"), "");
        variables["QKVMIGRATE_LIBTORCH"] = folder.At("file");
        refused = Assert.Throws<MigrationException>(() => Found(null, "beside"));
        Assert.Equal($"QKVMIGRATE_LIBTORCH {folder.At("file")}: this file is neither libtorch_cpu.so nor a Python interpreter with a folder of packages", refused.Message);
    }

    [Fact]
    public void Where_there_is_none_the_places_are_named()
    {
        variables["VIRTUAL_ENV"] = "/nowhere/venv";
        var refused = Assert.Throws<MigrationException>(() => Found(null, "empty"));
        Assert.Equal(FailureKind.Unavailable, refused.Kind);
        Assert.Equal(
            $"no libtorch (libtorch_cpu.so): not beside the program ({folder.At("empty")}), not in VIRTUAL_ENV (/nowhere/venv), CONDA_PREFIX is not set; "
            + "name PyTorch's folder, its environment or its interpreter with --libtorch or QKVMIGRATE_LIBTORCH; only generate, bench, verify --forward, --lora merge and --engine torch need it",
            refused.Message);
    }

    [Theory]
    [InlineData("venv/lib/python3.11/site-packages/torch/version.py", "__version__ = '2.11.0+cu130'\ndebug = False\n", "2.11.0+cu130", "venv")]
    [InlineData("libtorch/build-version", "2.10.0+cpu\n", "2.10.0+cpu", "libtorch")]
    [InlineData("prefix/lib/python3.12/site-packages/torch/version.py", "from typing import Optional\n__version__ = '2.5.1'\n", "2.5.1", "prefix")]
    [InlineData("libtorch/build-version", "\u001b[31m", null, "libtorch")]
    [InlineData("venv/README", "", null, "venv")]
    [InlineData("venv/README", "", "2.9.1", "libtorch-cpu-linux-x64/2.9.1")]
    public void The_version_is_what_lies_beside_the_libraries(string file, string content, string? expected, string named)
    {
        Layouts();
        Libraries("prefix/lib");
        Directory.CreateDirectory(Path.GetDirectoryName(folder.At(file))!);
        File.WriteAllText(folder.At(file), content);
        Assert.Equal(expected, Search(folder.At(named), "empty").Find().Version);
    }

    private (string Folder, string Origin) Found(string? named, string beside = "empty")
    {
        var found = Search(named, beside).Find();
        return (found.Folder, found.Origin);
    }

    private LibtorchSearch Search(string? named, string beside) => new(named, [folder.At(beside)], variables.GetValueOrDefault);

    private void Layouts()
    {
        Libraries("libraries");
        Libraries("libtorch/lib");
        Libraries("libtorch-cpu-linux-x64/2.9.1/runtimes/linux-x64/native");
        Libraries("venv/lib/python3.11/site-packages/torch/lib");
        Libraries("conda/lib/python3.9/site-packages/torch/lib");
        Libraries("debian/lib/python3/dist-packages/torch/lib");
        Libraries("fedora/lib64/python3.13/site-packages/torch/lib");
        Interpreter("debian", "python3.11");
        Interpreter("conda", "python3.9");
        Interpreter("fedora", "python3.13");
        VirtualEnvironment("venv", "include-system-site-packages = false");
        VirtualEnvironment("seeing", "include-system-site-packages = true");
    }

    /// <summary>An environment whose interpreter is a link to Debian's, as venv makes it.</summary>
    private void VirtualEnvironment(string name, string setting)
    {
        Directory.CreateDirectory(folder.At($"{name}/bin"));
        File.CreateSymbolicLink(folder.At($"{name}/bin/python3"), folder.At("debian/bin/python3"));
        File.CreateSymbolicLink(folder.At($"{name}/bin/python"), "python3");
        File.WriteAllText(folder.At($"{name}/pyvenv.cfg"), $"home = {folder.At("debian/bin")}\n{setting}\nversion = 3.11.2\n");
    }

    private void Interpreter(string prefix, string name)
    {
        Directory.CreateDirectory(folder.At($"{prefix}/bin"));
        File.WriteAllText(folder.At($"{prefix}/bin/{name}"), "");
        File.CreateSymbolicLink(folder.At($"{prefix}/bin/python3"), name);
    }

    private void Libraries(string path)
    {
        Directory.CreateDirectory(folder.At(path));
        File.WriteAllText(folder.At($"{path}/libtorch_cpu.so"), "");
    }
}
