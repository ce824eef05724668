using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Files;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Tests.Checkpoints;

/// <summary>What tells a folder or file of several processes from a checkpoint.</summary>
public sealed class DistributedCheckpointTests : IDisposable
{
    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("__0_0.distcp .metadata", "dcp_to_torch /runs/a FILE")]
    [InlineData("__0_0.distcp __1_0.distcp .metadata meta.pt", "consolidate_checkpoint /runs/a'")]
    [InlineData("__0_0.distcp meta.pt", "its .metadata is missing")]
    [InlineData("zero_pp_rank_0_mp_rank_00_model_states.pt", "zero_to_fp32.py FOLDER FILE")]
    [InlineData("mp_rank_00_model_states.pt fp16_zero_pp_rank_0_mp_rank_00_optim_states.pt", "zero_to_fp32.py FOLDER FILE")]
    [InlineData("mp_rank_00_model_states.pt mp_rank_01_model_states.pt", "2 ranks of a parallel model")]
    public void A_folder_is_known_by_its_files(string files, string said)
    {
        var refusal = DistributedCheckpoint.RefusalOfFolder("/runs/a", files.Split(' '));

        Assert.Equal(FailureKind.Distributed, refusal?.Kind);
        Assert.Contains(said, refusal!.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(".metadata")]
    [InlineData("meta.pt lit_model.pth")]
    [InlineData("mp_rank_00_model_states.pt")]
    [InlineData("consolidated.00.pth params.json")]
    [InlineData("latest zero_to_fp32.py pytorch_model.bin")]
    public void Other_folders_are_none(string files) => Assert.Null(DistributedCheckpoint.RefusalOfFolder("/runs/a", files.Split(' ')));

    [Fact]
    public void A_path_is_one_word_of_the_command() =>
        Assert.Contains("dcp_to_torch \"/my runs/\\$a\" FILE", DistributedCheckpoint.RefusalOfFolder("/my runs/$a", [".metadata", "__0_0.distcp"])!.Problem, StringComparison.Ordinal);

    [Fact]
    public void The_script_is_named_where_it_lies()
    {
        var step = Directory.CreateDirectory(folder.At("run", "global_step1")).FullName;
        File.WriteAllText(folder.At("run", "zero_to_fp32.py"), "");
        File.WriteAllText(Path.Combine(step, "zero_pp_rank_0_mp_rank_00_optim_states.pt"), "");

        Assert.Contains($"'python {folder.At("run", "zero_to_fp32.py")} {folder.At("run")} FILE'", DistributedCheckpoint.RefusalOfFolder(step)!.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Zips_one_behind_the_other_are_told()
    {
        var first = Zip("archive", 100);
        var second = Zip("archive", 3000);

        Assert.True(IsSequence([.. first, .. second]));
        Assert.True(IsSequence([.. first, .. second, .. first]));
        Assert.False(IsSequence(first));
        Assert.False(IsSequence([.. first, 0, .. second]));
        Assert.False(IsSequence([.. new byte[64], .. second]));
        Assert.False(IsSequence([.. first, .. second[..^1]]));
        Assert.All(Enumerable.Range(0, first.Length), length => Assert.False(IsSequence(first[..length])), throwIfEmpty: true);
    }

    [Fact]
    public void Numbers_beyond_the_file_are_no_sequence()
    {
        var file = (byte[])[.. Zip("archive", 100), .. Zip("archive", 200)];
        file.AsSpan(file.Length - 10, 8).Fill(0xff);
        Assert.False(IsSequence(file));
    }

    private bool IsSequence(byte[] bytes)
    {
        var path = folder.At("file.pth");
        File.WriteAllBytes(path, bytes);
        using var source = SourceFile.Open(path);
        return ZipSequence.Matches(source);
    }

    private static byte[] Zip(string stem, int length) =>
        TorchFile.Write([($"{stem}/data.pkl", [0x80, 2, (byte)'}', (byte)'.']), ($"{stem}/data/0", new byte[length])]);
}
