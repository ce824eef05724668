using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>A checkpoint past 4 GiB, on the disk as a sparse file: describing and planning read no byte of a tensor.</summary>
public sealed class HugeCheckpointTests : IDisposable
{
    private readonly WorkFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Dry_run_and_inspect_read_no_tensor()
    {
        var made = PyTorch.Run("sparse_checkpoint.py", _folder.At("huge"));
        Assert.True(made.ExitCode == 0, made.Error);
        var tensors = JsonSerializer.Deserialize<long[][]>(made.Output)!.Select(range => new ByteRange(range[0], range[1])).ToList();
        var file = _folder.At("huge", "lit_model.pth");
        Assert.True(new FileInfo(file).Length > 1L << 32);
        var before = Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).ToList();

        foreach (var arguments in new string[][] { ["upgrade", _folder.At("huge"), "--dry-run", "--json"], ["inspect", _folder.At("huge"), "--json"] })
        {
            var (result, reads) = ReadTrace.Run(file, arguments);
            Assert.True(result.ExitCode == 0, result.Error);
            Assert.Equal("interleaved", JsonReport.OnlyCheckpoint(result).Text("layout"));
            Assert.NotEmpty(reads);
            Assert.DoesNotContain(reads, read => tensors.Any(read.Overlaps));
        }

        Assert.Equal(before, Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories));
    }
}
