using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>One model as PyTorch saves it in many ways; the export is the same, whatever wraps it.</summary>
public sealed class ExportCaseTests : IDisposable
{
    private readonly WorkFolder _folder = new();

    public ExportCaseTests()
    {
        var made = PyTorch.Run("export_cases.py", ExportedModel.Checkpoint("llama-gqa"), _folder.At("cases"));
        Assert.True(made.ExitCode == 0, made.Error);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("compiled")]
    [InlineData("wrapped")]
    [InlineData("fsdp")]
    [InlineData("lightning")]
    [InlineData("trained")]
    [InlineData("transposed")]
    [InlineData("one-storage")]
    public void The_model_is_found_in(string name) => Assert.Equal(ExportedModel.Golden("llama-gqa"), ExportedModel.Read(Export(name)));

    [Fact]
    public void An_optimizer_stays_behind_and_is_told()
    {
        var report = JsonReport.OnlyCheckpoint(Tool.Run("export", _folder.At("cases", "trained"), "-o", _folder.At("out"), "--json"));
        Assert.Contains(report.GetProperty("advice").EnumerateArray(), advice => advice.Text("code") == "optimizer-left-behind");
    }

    [Theory]
    [InlineData("float16")]
    [InlineData("bfloat16")]
    [InlineData("float32")]
    public void Numbers_are_converted_as_PyTorch_does(string dtype)
    {
        var compared = PyTorch.Run("converted_model.py", Export("numbers"), Export("numbers", "--dtype", dtype), dtype);
        Assert.True(compared.ExitCode == 0, compared.Error);
        Assert.Equal("", compared.Output);
    }

    [Fact]
    public void A_converted_model_says_its_type()
    {
        using var configuration = JsonDocument.Parse(File.ReadAllText(Path.Combine(Export("numbers", "--dtype", "bfloat16"), "config.json")));
        Assert.Equal("bfloat16", configuration.RootElement.GetProperty("dtype").GetString());
    }

    [Fact]
    public void An_output_that_exists_is_replaced_with_force_alone_and_with_all_of_its_weights()
    {
        var exported = Export("compiled", "--max-shard-size", "20KB");
        var again = Tool.Run("export", _folder.At("cases", "compiled"), "-o", exported);
        Assert.Equal((1, $"qkvmigrate: error: {exported}: the output exists already; --force replaces it"), (again.ExitCode, Assert.Single(again.ErrorLines)));
        Assert.Equal(0, Tool.Run("export", _folder.At("cases", "compiled"), "-o", exported, "--force").ExitCode);
        Assert.Equal(["model.safetensors"], Directory.EnumerateFiles(exported, "model*").Select(file => Path.GetFileName(file)));
    }

    [Theory]
    [InlineData("5 apples")]
    [InlineData("0GB")]
    [InlineData("-1")]
    [InlineData("99999999999TB")]
    public void A_size_that_is_none_is_refused(string size) =>
        Assert.Equal(2, Tool.Run("export", _folder.At("cases", "compiled"), "-o", _folder.At("out"), $"--max-shard-size={size}").ExitCode);

    private string Export(string name, params string[] arguments)
    {
        var exported = _folder.At($"out-{Guid.NewGuid():N}");
        var run = Tool.Run(["export", _folder.At("cases", name), "-o", exported, .. arguments]);
        Assert.True(run.ExitCode == 0, run.Error);
        return exported;
    }
}
