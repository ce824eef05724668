using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>
/// <c>--in-place --journal</c> and <c>recover</c>: what disturbs a change in place is told in one line, and the file is the old one, the new
/// one, or can be recovered to either.
/// </summary>
public sealed class InPlaceJournalTests : IDisposable
{
    private const string Hidden = ".model.pth.qkvmigrate-inplace";
    private const string Journal = ".model.pth.qkvmigrate-journal";

    private readonly WorkFolder folder = new();
    private readonly string old;
    private readonly string renewed;

    public InPlaceJournalTests()
    {
        LegacyCheckpoint.Write(Source, 24);
        old = WorkFolder.Sha256(Source);
        Assert.Equal(0, Tool.Run(["upgrade", Source, "-o", folder.At("new"), .. LegacyCheckpoint.Arguments]).ExitCode);
        renewed = WorkFolder.Sha256(folder.At("new"));
        File.Delete(folder.At("new"));
    }

    private string Source => folder.At("model.pth");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("none")]
    [InlineData("quick")]
    [InlineData("full")]
    public void The_file_becomes_the_one_that_a_copy_would_be_and_comes_back(string verification)
    {
        var identity = new FileInfo(Source).UnixFileMode;
        var run = Tool.Run([.. Upgrade, "--verify", verification]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(renewed, WorkFolder.Sha256(Source));
        Assert.Equal(identity, new FileInfo(Source).UnixFileMode);

        run = Tool.Run(["downgrade", .. Upgrade.Skip(1), "--verify", verification]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(old, WorkFolder.Sha256(Source));
        Assert.Equal([Source], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    /// <summary>Calls of the run itself: the journal is reserved before any byte is written, and each sync may be the one that fails.</summary>
    [Theory]
    [InlineData("fallocate", "ENOSPC", 1, "no space left on the disk")]
    [InlineData("pwrite64", "EIO", 3, "the disk reports an input/output error")]
    [InlineData("pwrite64", "ENOSPC", 40, "no space left on the disk")]
    [InlineData("pwrite64", "EIO", 150, "the disk reports an input/output error")]
    [InlineData("fsync", "EIO", 1, "the disk reports an input/output error")]
    [InlineData("fsync", "EIO", 2, "the disk reports an input/output error")]
    [InlineData("fsync", "EIO", 3, "the disk reports an input/output error")]
    [InlineData("fsync", "EIO", 5, "the disk reports an input/output error")]
    [InlineData("fsync", "EIO", 9, "the disk reports an input/output error")]
    [InlineData("fsync", "EROFS", 12, "the filesystem is read-only")]
    [InlineData("ftruncate", "EIO", 2, "the disk reports an input/output error")]
    [InlineData("rename", "EROFS", 1, "the filesystem is read-only")]
    public void A_call_that_fails_is_told_in_one_line_and_the_file_is_recovered_to_either_end(string call, string error, int when, string problem)
    {
        PortableSwitch.SkipWhereItIsOn(isNeeded: call is "fallocate");
        foreach (var isUndo in new[] { false, true })
        {
            var original = File.ReadAllBytes(File.Exists(Source) ? Source : folder.At(Hidden));
            var tracer = Strace.Command($"{call}:error={error}:when={when}+");
            var run = ChildProcess.Run(tracer[0], [.. tracer.Skip(1), BuildFacts.Program, .. Upgrade], Tool.Environment);

            Assert.Equal(1, run.ExitCode);
            Assert.Contains(problem, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
            if (File.Exists(Source))
            {
                Assert.Equal(old, WorkFolder.Sha256(Source));
                Assert.DoesNotContain(Directory.EnumerateFiles(folder.Path), path => path.EndsWith("-inplace", StringComparison.Ordinal));
                Assert.DoesNotContain("recover", run.Error, StringComparison.Ordinal);
            }
            else
            {
                Assert.Contains($"`qkvmigrate recover {Source}` goes on from there", run.Error, StringComparison.Ordinal);
            }

            Recover(isUndo, File.Exists(Source) ? old : null);
            File.WriteAllBytes(Source, original);
        }
    }

    [Fact]
    public void While_it_is_away_each_command_says_where_it_is()
    {
        LeaveHalf();
        foreach (var command in new[] { "inspect", "upgrade", "verify", "export", "downgrade", "generate" })
        {
            string[] rest = command switch
            {
                "verify" => [Source],
                "export" => ["-o", folder.At("out")],
                "upgrade" or "downgrade" => ["-o", folder.At("out.pth")],
                "generate" => ["--tokens", "1"],
                _ => [],
            };
            var run = Tool.Run([command, Source, .. rest]);
            Assert.NotEqual(0, run.ExitCode);
            Assert.Contains($"`qkvmigrate recover {Source}`", run.Error, StringComparison.Ordinal);
        }

        Assert.Contains("qkvmigrate recover", Tool.Run("generate", folder.Path, "--tokens", "1").Error, StringComparison.Ordinal);

        var tree = Tool.Run("inspect", folder.Path, "--json");
        Assert.Equal(1, tree.ExitCode);
        Assert.Contains("qkvmigrate recover", tree.Output, StringComparison.Ordinal);
        Assert.Contains("qkvmigrate recover", Tool.Run("inspect", folder.At(Hidden)).Error, StringComparison.Ordinal);
        LegacyCheckpoint.Write(folder.At("other.pth"), 1);
        Assert.Contains("qkvmigrate recover", Tool.Run(["upgrade", folder.At("other.pth"), "-o", Source, .. LegacyCheckpoint.Arguments]).Error, StringComparison.Ordinal);
        File.Delete(folder.At("other.pth"));
        Assert.Equal([Hidden, Journal], Directory.EnumerateFiles(folder.Path).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(".")]
    [InlineData("model.pth")]
    [InlineData(Hidden)]
    [InlineData(Journal)]
    public void Recover_takes_the_name_the_folder_and_either_of_the_two_files(string path)
    {
        LeaveHalf();
        var run = Tool.Run("recover", folder.At(path), "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("\"recovered-new\"", run.Output, StringComparison.Ordinal);
        Assert.Equal(renewed, WorkFolder.Sha256(Source));
        Assert.Equal([Source], Directory.EnumerateFileSystemEntries(folder.Path));
        Assert.Contains("nothing was left to recover", Tool.Run("recover", Source).Output, StringComparison.Ordinal);
        Assert.Contains("nothing was left to recover", Tool.Run("recover", folder.Path).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.pth", "--journal")]
    [InlineData("model.pth")]
    [InlineData(".")]
    public void A_later_run_in_place_recovers_first(string path, params string[] options)
    {
        LeaveHalf();
        var run = Tool.Run(["upgrade", folder.At(path), "--in-place", .. options, .. LegacyCheckpoint.Arguments]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.StartsWith("recovered: ", run.Output, StringComparison.Ordinal);
        Assert.Equal(renewed, WorkFolder.Sha256(Source));
        Assert.Equal([Source], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_file_with_another_name_or_open_for_writing_is_refused()
    {
        PortableSwitch.SkipWhereItIsOn(isNeeded: true);
        using (File.OpenHandle(Source, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            Refused("another program has it open for writing");
        }

        Assert.Equal(0, ChildProcess.Run("/bin/ln", [Source, folder.At("second")]).ExitCode);
        Refused("it has 2 names (hard links)");
        Assert.Equal(old, WorkFolder.Sha256(Source));

        void Refused(string problem)
        {
            foreach (var options in new[] { Array.Empty<string>(), ["--dry-run"] })
            {
                var run = Tool.Run([.. Upgrade, .. options]);
                Assert.Equal(1, run.ExitCode);
                Assert.Contains(problem, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
            }
        }
    }

    /// <summary>A journal is a stranger's file: with any of its bytes changed it is refused or makes the old file or the new one.</summary>
    [Fact]
    public void A_journal_with_a_changed_byte_never_makes_a_third_file()
    {
        LeaveHalf();
        var (hidden, journal) = (File.ReadAllBytes(folder.At(Hidden)), File.ReadAllBytes(folder.At(Journal)));
        var random = new Random(22);
        for (var i = 0; i < 12; i++)
        {
            byte[] changed = [.. journal];
            changed[random.Next(i % 2 == 0 ? 4096 : changed.Length)] ^= 0x10;
            File.WriteAllBytes(folder.At(Hidden), hidden);
            File.WriteAllBytes(folder.At(Journal), changed);
            var run = Tool.Run("recover", folder.Path);
            if (run.ExitCode == 0)
            {
                Assert.Equal(renewed, WorkFolder.Sha256(Source));
                File.Delete(Source);
            }
            else
            {
                Assert.Single(run.ErrorLines);
                Assert.False(File.Exists(Source));
                Assert.True(hidden.AsSpan().SequenceEqual(File.ReadAllBytes(folder.At(Hidden))));
            }
        }
    }

    [Fact]
    public void A_run_that_is_interrupted_says_how_to_go_on()
    {
        using var run = RunningTool.Start(Upgrade);
        while (!run.HasEnded && !File.Exists(folder.At(Journal)))
        {
            Thread.Sleep(1);
        }

        run.Signal("INT");
        var ended = run.Wait();
        if (ended.ExitCode != 0)
        {
            Assert.Equal(130, ended.ExitCode);
            Assert.Contains(File.Exists(Source) ? "cancelled; " : $"`qkvmigrate recover {Source}` goes on from there", ended.Error, StringComparison.Ordinal);
            Recover(isUndo: true, null);
        }
    }

    [Fact]
    public void Options_that_contradict_it_are_refused()
    {
        foreach (var options in new[] { (string[])["--journal"], ["--journal", "-o", "x"], ["--in-place", "--journal", "--backup", ".old"], ["--in-place", "--journal", "--drop-optimizer"] })
        {
            Assert.Equal(2, Tool.Run(["upgrade", Source, .. options]).ExitCode);
        }
    }

    private string[] Upgrade => ["upgrade", Source, "--in-place", "--journal", "--engine", "stream", .. LegacyCheckpoint.Arguments];

    /// <summary>A run that the disk ends in the middle of its steps.</summary>
    private void LeaveHalf()
    {
        var tracer = Strace.Command("fsync:error=EIO:when=9+");
        Assert.Equal(1, ChildProcess.Run(tracer[0], [.. tracer.Skip(1), BuildFacts.Program, .. Upgrade], Tool.Environment).ExitCode);
        Assert.True(File.Exists(folder.At(Hidden)));
    }

    private void Recover(bool isUndo, string? expected)
    {
        var run = Tool.Run(["recover", folder.Path, .. isUndo ? ["--undo"] : Array.Empty<string>()]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(expected ?? (isUndo ? old : renewed), WorkFolder.Sha256(Source));
        Assert.Equal([Source], Directory.EnumerateFileSystemEntries(folder.Path));
    }
}
