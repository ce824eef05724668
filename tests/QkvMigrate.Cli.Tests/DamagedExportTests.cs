using System.Buffers.Binary;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Sources with a bit that is not what it was when it was written: an export has no checksums that would tell it later.</summary>
public sealed class DamagedExportTests : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("--verify", "quick")]
    [InlineData("--verify", "none", "--max-shard-size", "20KB")]
    [InlineData("--verify", "none", "--dtype", "bfloat16")]
    public void A_damaged_tensor_of_a_model_is_refused_and_nothing_is_written(params string[] arguments)
    {
        var checkpoint = _folder.Take(ExportedModel.Checkpoint("llama-gqa"));
        Damage(Path.Combine(checkpoint, "lit_model.pth"), arguments);
    }

    [Theory]
    [InlineData("upgraded", "")]
    [InlineData("legacy", "")]
    [InlineData("pre-900", "--lora-era=pre-900")]
    public void So_is_one_of_a_LoRA(string age, string option)
    {
        var made = PyTorch.Run("peft_adapters.py", "make", _folder.At("loras"));
        Assert.True(made.ExitCode == 0, made.Error);
        Damage(_folder.At("loras", age, "gqa-qkv", "lit_model.pth.lora"), option.Length == 0 ? [] : [option]);
    }

    [Fact]
    public void Verify_tells_it()
    {
        var checkpoint = _folder.Take(ExportedModel.Checkpoint("llama-gqa"));
        var exported = _folder.At("exported");
        Assert.Equal(0, Tool.Run("export", checkpoint, "-o", exported).ExitCode);
        var path = Path.Combine(checkpoint, "lit_model.pth");
        var zip = File.ReadAllBytes(path);
        var entry = Tensors(zip)[0];
        foreach (var place in new[] { entry.CentralHeader + 16, entry.Start + entry.Length + 4 })
        {
            // In the directory, and in the data descriptor that PyTorch writes behind the bytes.
            BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(place), 0x12345678);
        }

        File.WriteAllBytes(path, zip);
        var verified = Tool.Run("verify", checkpoint, exported);
        Assert.Equal(1, verified.ExitCode);
        Assert.Contains("the file gives 12345678: it is damaged", verified.Output + verified.Error, StringComparison.Ordinal);
    }

    private void Damage(string path, string[] arguments)
    {
        var right = File.ReadAllBytes(path);
        var entries = Tensors(right);
        Assert.NotEmpty(entries);
        foreach (var (i, entry) in entries.Index().Where(entry => entry.Index % 6 == 1))
        {
            var zip = right.ToArray();
            zip[entry.Start + (i % entry.Length)] ^= 0x10;
            File.WriteAllBytes(path, zip);
            var run = Tool.Run(["export", path, "-o", _folder.At("exported"), .. arguments]);
            Assert.Equal(1, run.ExitCode);
            Assert.Matches($"{path}: zip entry '{entry.Name}' at byte {entry.Start}: its bytes have CRC-32 [0-9a-f]{{8}}, the file gives [0-9a-f]{{8}}: it is damaged$", Assert.Single(run.ErrorLines));
            Assert.False(Path.Exists(_folder.At("exported")));
        }
    }

    private static List<ZipSurgery.Entry> Tensors(byte[] zip) => ZipSurgery.Entries(zip).FindAll(entry => entry.Name.Contains("/data/", StringComparison.Ordinal));
}
