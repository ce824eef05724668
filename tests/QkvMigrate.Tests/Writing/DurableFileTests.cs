using QkvMigrate.Files;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Writing;

public sealed class DurableFileTests : IDisposable
{
    private readonly WorkFolder folder = new();

    private string Target => folder.At("model.pth");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_name_appears_when_the_file_is_whole()
    {
        using (var file = DurableFile.Create(Target, replace: false))
        {
            RandomAccess.Write(file.Handle, "new"u8, 0);
            Assert.False(File.Exists(Target));
            Assert.True(File.Exists(file.TemporaryPath));
            Assert.Equal(folder.Path, Path.GetDirectoryName(file.TemporaryPath));
            Assert.StartsWith(".model.pth.", Path.GetFileName(file.TemporaryPath), StringComparison.Ordinal);
            file.Commit();
            Assert.Equal("new", File.ReadAllText(Target));
            Assert.False(File.Exists(file.TemporaryPath));
        }

        AssertFiles("model.pth");
    }

    [Fact]
    public void What_is_not_committed_leaves_nothing()
    {
        using (var file = DurableFile.Create(Target, replace: false))
        {
            RandomAccess.Write(file.Handle, "new"u8, 0);
        }

        AssertFiles();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_name_that_is_taken_is_refused(bool byFolder)
    {
        if (byFolder)
        {
            Directory.CreateDirectory(Target);
        }
        else
        {
            File.WriteAllText(Target, "old");
        }

        AssertRefused(FailureKind.Target, "the output exists already; --force replaces it", () => DurableFile.Create(Target, replace: false));
        Assert.Equal([Target], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_name_that_was_taken_meanwhile_is_refused()
    {
        using (var file = DurableFile.Create(Target, replace: false))
        {
            File.WriteAllText(Target, "somebody else's");
            AssertRefused(FailureKind.Io, $"rename: File exists : '{Target}'", () => file.Commit());
        }

        Assert.Equal("somebody else's", File.ReadAllText(Target));
        AssertFiles("model.pth");
    }

    [Fact]
    public void The_file_that_is_replaced_stays_until_the_end()
    {
        File.WriteAllText(Target, "old");
        using (var file = DurableFile.Create(Target, replace: true))
        {
            RandomAccess.Write(file.Handle, "new"u8, 0);
            Assert.Equal("old", File.ReadAllText(Target));
            file.Commit();
            Assert.Equal("new", File.ReadAllText(Target));
        }

        AssertFiles("model.pth");
    }

    [Fact]
    public void A_replacement_that_is_not_committed_leaves_the_old_file()
    {
        File.WriteAllText(Target, "old");
        using (var file = DurableFile.Create(Target, replace: true))
        {
            RandomAccess.Write(file.Handle, "new"u8, 0);
        }

        Assert.Equal("old", File.ReadAllText(Target));
        AssertFiles("model.pth");
    }

    [Theory]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)]
    public void The_permissions_are_those_that_are_asked_for(UnixFileMode mode)
    {
        using var file = DurableFile.Create(Target, replace: false);
        file.Commit(mode);
        Assert.Equal(mode, File.GetUnixFileMode(Target));
    }

    [Fact]
    public void Without_permissions_the_mask_decides()
    {
        File.WriteAllText(folder.At("ordinary"), "");
        using var file = DurableFile.Create(Target, replace: false);
        file.Commit();
        Assert.Equal(File.GetUnixFileMode(folder.At("ordinary")), File.GetUnixFileMode(Target));
    }

    [Fact]
    public void The_backup_is_the_old_file_itself()
    {
        File.WriteAllText(Target, "old");
        var old = FileIdentity.Of(Target)!.Value;
        using (var file = DurableFile.Create(Target, replace: true))
        {
            RandomAccess.Write(file.Handle, "new"u8, 0);
            file.Commit(backup: folder.At("model.pth.bak"));
        }

        Assert.Equal("new", File.ReadAllText(Target));
        Assert.Equal("old", File.ReadAllText(folder.At("model.pth.bak")));
        Assert.True(FileIdentity.Of(folder.At("model.pth.bak"))!.Value.IsSameFile(old));
        AssertFiles("model.pth", "model.pth.bak");
    }

    [Fact]
    public void A_backup_is_never_replaced()
    {
        File.WriteAllText(Target, "old");
        File.WriteAllText(folder.At("model.pth.bak"), "older");
        using (var file = DurableFile.Create(Target, replace: true))
        {
            AssertRefused(FailureKind.Io, $"link: File exists : '{folder.At("model.pth.bak")}'", () => file.Commit(backup: folder.At("model.pth.bak")));
        }

        Assert.Equal("old", File.ReadAllText(Target));
        Assert.Equal("older", File.ReadAllText(folder.At("model.pth.bak")));
        AssertFiles("model.pth", "model.pth.bak");
    }

    [Fact]
    public void Two_do_not_write_one_target()
    {
        using (DurableFile.Create(Target, replace: false))
        {
            AssertRefused(FailureKind.Target, $"another run of qkvmigrate (process {Environment.ProcessId}) is writing it", () => DurableFile.Create(Target, replace: false));
            using var other = DurableFile.Create(folder.At("other.pth"), replace: false);
        }

        using var again = DurableFile.Create(Target, replace: false);
        again.Commit();
        Assert.True(File.Exists(Target));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_no_regular_file_is_never_replaced(bool isLinked)
    {
        var fifo = isLinked ? folder.At("fifo") : Target;
        Assert.Equal(0, ChildProcess.Run("mkfifo", [fifo]).ExitCode);
        if (isLinked)
        {
            File.CreateSymbolicLink(Target, "fifo");
        }

        AssertRefused(FailureKind.Target, "this is no regular file but a FIFO, which is never replaced", () => DurableFile.Create(Target, replace: true));
        Assert.Equal("a FIFO", FileIdentity.Of(Target)?.Special);
        AssertFiles([.. new[] { fifo, Target }.Distinct().Select(path => Path.GetFileName(path))]);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_told()
    {
        var path = folder.At("none", "model.pth");
        var refused = Assert.Throws<MigrationException>(() => DurableFile.Create(path, replace: false));
        Assert.Equal(FailureKind.Io, refused.Kind);
        Assert.Equal(path, refused.File);
        Assert.Contains("No such file or directory", refused.Message, StringComparison.Ordinal);
    }

    private void AssertRefused(FailureKind kind, string problem, Action action)
    {
        var refused = Assert.Throws<MigrationException>(action);
        Assert.Equal($"{Target}: {problem}", refused.Message);
        Assert.Equal(kind, refused.Kind);
    }

    /// <summary>The folder holds these files and no hidden ones.</summary>
    private void AssertFiles(params string[] names) =>
        Assert.Equal(names.Select(name => folder.At(name)), Directory.EnumerateFileSystemEntries(folder.Path).Order(StringComparer.Ordinal));
}
