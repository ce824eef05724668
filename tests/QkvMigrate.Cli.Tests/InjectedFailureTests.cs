using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>
/// System calls that fail under the program's hands, as disks, quotas and filesystems make them fail: strace puts the
/// error in place of the call (strace(1), -e inject).
/// </summary>
public sealed class InjectedFailureTests : IDisposable
{
    private const string Suffix = ".old";

    /// <summary>So many small checkpoints that they wait for the disk together.</summary>
    private const int Many = 12;

    private readonly WorkFolder folder = new();
    private readonly string before;

    public InjectedFailureTests()
    {
        LegacyCheckpoint.Write(Source, 2);
        before = WorkFolder.Sha256(Source);
    }

    private string Source => folder.At("model.pth");

    private string Backup => Source + Suffix;

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("fallocate", "ENOSPC", "no space left on the disk")]
    [InlineData("fallocate", "EDQUOT", "the disk quota is used up")]
    [InlineData("fallocate", "EFBIG", "the file would be larger than the limit of this process (ulimit -f) or of the filesystem")]
    [InlineData("copy_file_range", "EIO", "the disk reports an input/output error")]
    [InlineData("copy_file_range", "EDQUOT", "the disk quota is used up")]
    [InlineData("copy_file_range", "ENOSPC", "no space left on the disk")]
    [InlineData("pwrite64", "EIO", "the disk reports an input/output error")]
    [InlineData("pwrite64", "EDQUOT", "the disk quota is used up")]
    [InlineData("pwrite64", "ENOSPC", "no space left on the disk")]
    [InlineData("fsync", "EIO", "the disk reports an input/output error")]
    [InlineData("fsync", "EDQUOT", "the disk quota is used up")]
    [InlineData("rename", "EROFS", "the filesystem is read-only")]
    [InlineData("rename", "EIO", "the disk reports an input/output error")]
    [InlineData("link", "EIO", "the disk reports an input/output error")]
    [InlineData("link", "ENOSPC", "no space left on the disk")]
    public void A_call_that_fails_is_told_in_one_line_and_nothing_is_lost_or_left(string call, string error, string problem)
    {
        PortableSwitch.SkipWhereItIsOn(isNeeded: call is "fallocate" or "copy_file_range");
        var run = Inject($"{call}:error={error}", "--in-place", "--backup", Suffix);

        Assert.Equal(1, run.ExitCode);
        Assert.EndsWith($"{Source}: {problem}", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Equal(before, WorkFolder.Sha256(Source));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path, ".*"));
    }

    /// <summary>The folder's sync comes last: by then the new file has its name.</summary>
    [Fact]
    public void A_folder_that_cannot_be_synced_is_told_and_the_new_file_is_whole()
    {
        File.Copy(Source, Backup);

        var run = InjectAt(folder.Path, "fsync:error=EIO", "--in-place");

        Assert.Equal(1, run.ExitCode);
        Assert.EndsWith($"{Source}: the disk reports an input/output error", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.True(Tool.Run(["verify", Backup, Source, .. LegacyCheckpoint.Arguments]).ExitCode == 0);
    }

    /// <summary>As on a filesystem that has become read-only: what is left cannot be removed either.</summary>
    [Fact]
    public void The_failure_that_ended_a_run_is_told_though_its_leftovers_cannot_be_removed()
    {
        var run = Inject(["-e", "trace=fsync,unlink", "-e", "inject=unlink:error=EROFS"], "fsync:error=EIO", ["--in-place"]);

        Assert.Equal(1, run.ExitCode);
        Assert.EndsWith($"{Source}: the disk reports an input/output error", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Equal(before, WorkFolder.Sha256(Source));
        Assert.True(Directory.EnumerateFileSystemEntries(folder.Path).Count() > 1);

        Assert.Equal(0, Tool.Run(["upgrade", Source, "--in-place", .. LegacyCheckpoint.Arguments]).ExitCode);
        Assert.Equal([Source], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    /// <summary>That a backup will stand there must be on the disk before the backup is.</summary>
    [Fact]
    public void Where_a_backup_cannot_be_written_down_nothing_is_replaced()
    {
        var run = InjectAt(folder.Path, "fsync:error=EIO", "--in-place", "--backup", Suffix);

        Assert.Equal(1, run.ExitCode);
        Assert.EndsWith($"{Source}: the disk reports an input/output error", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Equal(before, WorkFolder.Sha256(Source));
        Assert.False(File.Exists(Backup));
    }

    [Fact]
    public void A_source_that_cannot_be_read_is_told_with_the_place()
    {
        var run = Inject("pread64:error=EIO:when=5+");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains(Source, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Contains("Input/output error", run.Error, StringComparison.Ordinal);
        Assert.Equal([Source], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("EPERM")]
    [InlineData("EOPNOTSUPP")]
    [InlineData("EMLINK")]
    public void Where_there_are_no_hard_links_the_backup_is_a_copy(string error)
    {
        var run = Inject($"link:error={error}", "--in-place", "--backup", Suffix);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(before, WorkFolder.Sha256(Backup));
        Assert.NotEqual(before, WorkFolder.Sha256(Source));
    }

    /// <summary>Other systems have none of these calls: what runs there must not need them.</summary>
    [Fact]
    public void The_portable_implementation_makes_none_of_the_calls_that_are_Linuxs_own()
    {
        var target = folder.At("new.pth");
        IEnumerable<string> upgrade = ["upgrade", Source, "-o", target, "--engine", "stream", .. LegacyCheckpoint.Arguments];
        var tracer = Strace.Command("fallocate,copy_file_range,sync_file_range,renameat2:error=EIO");
        var environment = new Dictionary<string, string>(Tool.Environment) { [PortableSwitch.Variable] = "1" };

        var run = ChildProcess.Run(tracer[0], [.. tracer.Skip(1), BuildFacts.Program, .. upgrade], environment);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal([Source, target], Directory.EnumerateFileSystemEntries(folder.Path).Order(StringComparer.Ordinal));
    }

    /// <summary>As on NFS, whose rename has no flag to spare an existing file.</summary>
    [Fact]
    public void A_filesystem_whose_rename_takes_no_flags_is_written_all_the_same()
    {
        var target = folder.At("new.pth");
        var run = Inject("renameat2:error=EINVAL:when=1", "-o", target);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal([Source, target], Directory.EnumerateFileSystemEntries(folder.Path).Order(StringComparer.Ordinal));
    }

    /// <summary>
    /// The entry that tells of a result comes before the result's name, the names of all records once more at the end. By the portable
    /// implementation, because a sync of the whole filesystem brings these folders to the disk, too.
    /// </summary>
    [Theory]
    [InlineData("manifest", Many + 1, 0)]
    [InlineData("reports", 1, Many)]
    public void Where_records_of_small_checkpoints_cannot_be_synced_it_is_told_and_the_next_run_finishes(string records, int told, int named)
    {
        foreach (var number in Enumerable.Range(0, Many))
        {
            Directory.CreateDirectory(folder.At("tree", $"{number:00}"));
            LegacyCheckpoint.Write(folder.At("tree", $"{number:00}", "model.pth"), 1);
        }

        var output = folder.At("out");
        IEnumerable<string> upgrade = ["upgrade", folder.At("tree"), "-o", output, "--engine", "stream", .. LegacyCheckpoint.Arguments];
        var tracer = Strace.Command("fsync:error=EIO", ["-P", Path.Combine(output, ".qkvmigrate", records)]);
        var environment = new Dictionary<string, string>(Tool.Environment) { [PortableSwitch.Variable] = "1" };

        var run = ChildProcess.Run(tracer[0], [.. tracer.Skip(1), BuildFacts.Program, .. upgrade], environment);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(told, run.ErrorLines.Count);
        Assert.All(run.ErrorLines, line => Assert.EndsWith("the disk reports an input/output error", line, StringComparison.Ordinal), throwIfEmpty: true);
        Assert.Equal(named, Results().Count());
        Assert.Empty(Directory.EnumerateFileSystemEntries(output, "*qkvmigrate-*", SearchOption.AllDirectories));

        var next = Tool.Run(upgrade);
        Assert.True(next.ExitCode == 0, next.Error);
        Assert.Equal(Many, Results().Count());
        Assert.True(File.Exists(Path.Combine(output, "SHA256SUMS")));

        IEnumerable<string> Results() => Directory.EnumerateFiles(output, "model.pth", SearchOption.AllDirectories);
    }

    [Fact]
    public void A_backup_that_is_no_copy_of_the_source_is_not_taken_for_one()
    {
        File.CreateSymbolicLink(Backup, Source);

        var run = Tool.Run(["upgrade", Source, "--in-place", "--backup", Suffix, .. LegacyCheckpoint.Arguments]);

        Assert.Equal(1, run.ExitCode);
        Assert.EndsWith($"{Backup}: the backup exists already; it is never replaced", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Equal(before, WorkFolder.Sha256(Source));
    }

    private ProcessResult Inject(string rule, params IEnumerable<string> arguments) => Inject([], rule, arguments);

    /// <summary>As <see cref="Inject(string, IEnumerable{string})"/>, for calls on one file or folder alone.</summary>
    private ProcessResult InjectAt(string path, string rule, params IEnumerable<string> arguments) => Inject(["-P", path], rule, arguments);

    private ProcessResult Inject(IEnumerable<string> filter, string rule, IEnumerable<string> arguments)
    {
        var tracer = Strace.Command(rule, filter);
        return ChildProcess.Run(tracer[0], [.. tracer.Skip(1), BuildFacts.Program, "upgrade", Source, .. arguments, "--engine", "stream", .. LegacyCheckpoint.Arguments], Tool.Environment);
    }
}
