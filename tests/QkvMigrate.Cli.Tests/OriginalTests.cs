using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary><c>verify</c> with a checksum in the place of the original, as users call it.</summary>
public sealed class OriginalTests : IDisposable
{
    private readonly WorkFolder folder = new();
    private readonly string original;
    private readonly string upgraded;

    public OriginalTests()
    {
        original = folder.Take(Repository.At("samples", "tiny-licenses-gqa"), "original");
        upgraded = folder.At("upgraded");
        Assert.Equal(0, Tool.Run("upgrade", original, "-o", upgraded).ExitCode);
    }

    private string Digest => WorkFolder.Sha256(Path.Combine(original, "lit_model.pth")).ToLowerInvariant();

    private string Upgraded => Path.Combine(upgraded, "lit_model.pth");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_right_checksum_proves_the_file()
    {
        var run = Tool.Run("verify", Upgraded, "--original-sha256", Digest.ToUpperInvariant());
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal($"verified: sha256:{Digest} -> {Upgraded}", lines[0]);
        Assert.StartsWith("  undone, rows of 4 of 31 tensors from sequential to interleaved, n_head=8 n_query_groups=2 head_size=16; hashed ", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Another_one_does_not_and_json_has_both()
    {
        var other = new string('a', 64);
        var run = Tool.Run("verify", Upgraded, "--original-sha256", other, "--json");
        Assert.Equal(1, run.ExitCode);
        using var document = JsonDocument.Parse(run.Output);
        var checkpoint = Assert.Single(document.RootElement.GetProperty("checkpoints").EnumerateArray());
        Assert.Equal("differs", checkpoint.GetProperty("status").GetString());
        Assert.Equal((other, Digest), (checkpoint.GetProperty("original").GetProperty("sha256").GetString(), checkpoint.GetProperty("original").GetProperty("made").GetString()));
        Assert.Contains($"expected {other}", checkpoint.GetProperty("differences")[0].GetProperty("problem").GetString(), StringComparison.Ordinal);
    }

    /// <summary>Whoever keeps the report needs no original to prove the file later.</summary>
    [Fact]
    public void A_report_of_a_full_verification_has_the_checksum_that_proves_the_file()
    {
        string[] upgrade = ["upgrade", Path.Combine(original, "lit_model.pth"), "--verify", "full", "-o"];
        var text = Tool.Run([.. upgrade, folder.At("text.pth"), "--verbose"]);
        Assert.Contains($"  SHA-256 of the source: {Digest}\n  SHA-256 of the new file: {WorkFolder.Sha256(Upgraded).ToLowerInvariant()}\n", text.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("SHA-256", Tool.Run([.. upgrade, folder.At("short.pth")]).Output, StringComparison.Ordinal);

        using var document = JsonDocument.Parse(Tool.Run([.. upgrade, folder.At("json.pth"), "--json"]).Output);
        var checkpoint = Assert.Single(document.RootElement.GetProperty("checkpoints").EnumerateArray());
        Assert.Equal(WorkFolder.Sha256(folder.At("json.pth")), checkpoint.GetProperty("sha256").GetString(), ignoreCase: true);
        var sum = checkpoint.GetProperty("sourceSha256").GetString()!;
        var proof = Tool.Run("verify", folder.At("json.pth"), "--original-sha256", sum, "--n-head", "8", "--n-query-groups", "2", "--head-size", "16");
        Assert.Equal((0, ""), (proof.ExitCode, proof.Error));
    }

    [Fact]
    public void A_list_of_sha256sum_proves_the_folder_and_nothing_is_written()
    {
        var sums = folder.Write("sums", string.Concat(Directory.EnumerateFiles(original).Select(file => $"{WorkFolder.Sha256(file)} *{Path.GetFileName(file)}\r\n")));
        var before = folder.Snapshot();
        var run = Tool.Run("verify", upgraded, "--original-sha256sums", sums);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(3, run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(line => line.StartsWith("verified: sha256:", StringComparison.Ordinal)));
        Assert.Equal(before, folder.Snapshot());
    }

    [Fact]
    public void A_wrong_direction_fails_with_and_without_the_original()
    {
        Assert.Equal(1, Tool.Run("verify", Upgraded, "--original-sha256", Digest, "--direction", "downgrade").ExitCode);
        Assert.Equal(0, Tool.Run("verify", Upgraded, "--original-sha256", Digest, "--direction", "upgrade").ExitCode);
        Assert.Equal(1, Tool.Run("verify", original, upgraded, "--direction", "downgrade").ExitCode);
        Assert.Equal(0, Tool.Run("verify", original, upgraded, "--direction", "upgrade").ExitCode);
        Assert.Equal(1, Tool.Run("verify", upgraded, original, "--direction", "upgrade").ExitCode);
        Assert.Equal(1, Tool.Run("verify", upgraded, upgraded, "--direction", "downgrade").ExitCode);
        Assert.Equal(0, Tool.Run("verify", upgraded, upgraded, "--direction", "upgrade").ExitCode);
    }

    [Theory]
    [InlineData("--original-sha256 '12': expected 64 hexadecimal digits", "a", "--original-sha256", "12")]
    [InlineData("--original-sha256 stands in place of ORIGINAL, so one path goes with it", "a", "b", "--original-sha256", One)]
    [InlineData("--original-sha256sums stands in place of ORIGINAL, so one path goes with it", "a", "b", "--original-sha256sums", "sums")]
    [InlineData("--original-sha256 and --original-sha256sums exclude each other", "a", "--original-sha256", One, "--original-sha256sums", "sums")]
    [InlineData("no UPGRADED; --original-sha256 or --original-sha256sums stands in place of an ORIGINAL that is not there", "a")]
    [InlineData("--forward needs the original, and --original-sha256 stands in its place", "a", "--original-sha256", One, "--forward")]
    [InlineData("--drop-unreferenced needs the original, and --original-sha256 stands in its place", "a", "--original-sha256", One, "--drop-unreferenced")]
    [InlineData("--direction 'back': expected upgrade or downgrade", "a", "b", "--direction", "back")]
    public void Arguments_that_do_not_go_together_are_bad_usage(string problem, params string[] arguments)
    {
        var run = Tool.Run(["verify", .. arguments]);
        Assert.Equal(2, run.ExitCode);
        Assert.Equal([$"qkvmigrate: {problem}; see 'qkvmigrate verify --help'"], run.ErrorLines);
    }

    [Fact]
    public void A_path_that_is_not_there_is_told()
    {
        var run = Tool.Run("verify", folder.At("nowhere"), "--original-sha256", One);
        Assert.Equal((1, $"qkvmigrate: {folder.At("nowhere")}: there is no such file or directory"), (run.ExitCode, Assert.Single(run.ErrorLines)));
    }

    [Fact]
    public void A_list_that_is_not_there_is_told()
    {
        var run = Tool.Run("verify", upgraded, "--original-sha256sums", folder.At("nowhere"));
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("nowhere", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    private const string One = "1111111111111111111111111111111111111111111111111111111111111111";
}
