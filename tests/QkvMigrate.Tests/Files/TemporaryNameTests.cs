using QkvMigrate.Files;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Files;

/// <summary>Which hidden names are this tool's, and who takes away what a killed process left.</summary>
public sealed class TemporaryNameTests
{
    [Theory]
    [InlineData("model.pth")]
    [InlineData("some/where/model.pth")]
    [InlineData("/some/where/model.pth")]
    public void A_name_is_known_as_its_targets(string path)
    {
        var name = TemporaryName.For(path);
        Assert.True(TemporaryName.Is(name));
        Assert.True(TemporaryName.IsFor(path, name));
        Assert.False(TemporaryName.IsFor("other.pth", name));
        Assert.False(TemporaryName.IsFor("model", name));
        Assert.NotEqual(name, TemporaryName.For(path));
        Assert.Equal(".model.pth.qkvmigrate-lock", Path.GetFileName(TemporaryName.LockFor(path)));
    }

    [Theory]
    [InlineData("model.pth", false)]
    [InlineData(".model.pth.12-0123abcd.tmp", false)]
    [InlineData("model.pth.12-0123abcd.qkvmigrate-tmp", false)]
    [InlineData(".model.pth.12-0123abcd.qkvmigrate-tmp", true)]
    [InlineData(".model.pth.qkvmigrate-lock", true)]
    public void Other_names_are_not(string name, bool isTemporary) => Assert.Equal(isTemporary, TemporaryName.Is(name));

    [Theory]
    [InlineData(".model.pth.12-0123abcd.qkvmigrate-tmp", true)]
    [InlineData(".model.pth.12-0123ABCD.qkvmigrate-tmp", false)]
    [InlineData(".model.pth.12-0123abc.qkvmigrate-tmp", false)]
    [InlineData(".model.pth.x-0123abcd.qkvmigrate-tmp", false)]
    [InlineData(".model.pth.-0123abcd.qkvmigrate-tmp", false)]
    [InlineData(".model.pth.bak.12-0123abcd.qkvmigrate-tmp", false)]
    [InlineData(".model.pth.qkvmigrate-lock", false)]
    [InlineData(".model.pth.qkvmigrate-tmp", false)]
    public void A_leftover_is_told_by_its_whole_name(string name, bool isLeftover) => Assert.Equal(isLeftover, TemporaryName.IsFor("/some/where/model.pth", name));

    [Fact]
    public void Who_writes_a_target_takes_away_its_leftovers_and_no_others()
    {
        using var folder = new WorkFolder();
        var outside = folder.At("outside");
        Directory.CreateDirectory(outside);
        File.WriteAllText(Path.Combine(outside, "kept"), "");
        File.WriteAllText(folder.At(".model.pth.12-0123abcd.qkvmigrate-tmp"), "half");
        Directory.CreateDirectory(folder.At(".model.pth.12-4567abcd.qkvmigrate-tmp", "inner"));
        Directory.CreateSymbolicLink(folder.At(".model.pth.12-89abcdef.qkvmigrate-tmp"), outside);
        File.WriteAllText(folder.At(".other.pth.12-0123abcd.qkvmigrate-tmp"), "half");
        File.WriteAllText(folder.At(".model.pth.qkvmigrate-lock"), "12\n");
        TargetLock.Acquire(folder.At("model.pth")).Dispose();
        Assert.Equal([folder.At(".other.pth.12-0123abcd.qkvmigrate-tmp"), outside], Directory.EnumerateFileSystemEntries(folder.Path).Order(StringComparer.Ordinal));
        Assert.True(File.Exists(Path.Combine(outside, "kept")));
    }

    /// <summary>Names of up to 255 bytes, the most that filesystems take, in letters of one and of three bytes.</summary>
    [Theory]
    [InlineData("x", 200)]
    [InlineData("x", 201)]
    [InlineData("x", 230)]
    [InlineData("x", 255)]
    [InlineData("\u20ac", 85)]
    [InlineData("\u20ac", 67)]
    public void A_long_name_has_short_ones_that_are_its_own(string letter, int count)
    {
        using var folder = new WorkFolder();
        var path = folder.At(string.Concat(Enumerable.Repeat(letter, count)));
        var other = $"{path[..^1]}z";
        var temporary = TemporaryName.For(path);

        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(temporary), 1, 255);
        Assert.DoesNotContain('\ufffd', temporary);
        Assert.StartsWith($".{Path.GetFileName(path)[..40]}", temporary, StringComparison.Ordinal);
        Assert.True(TemporaryName.Is(temporary) && TemporaryName.IsFor(path, temporary));
        Assert.False(TemporaryName.IsFor(other, temporary));
        Assert.NotEqual(TemporaryName.LockFor(path), TemporaryName.LockFor(other));

        File.WriteAllText(Path.Combine(folder.Path, temporary), "half");
        File.WriteAllText(TemporaryName.LockFor(path), "12\n");
        using (var file = DurableFile.Create(path, replace: false))
        {
            file.Write(stream => stream.Write("whole"u8));
            file.Commit();
        }

        Assert.Equal([path], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_lock_that_is_a_FIFO_is_refused_and_not_waited_for()
    {
        using var folder = new WorkFolder();
        Assert.Equal(0, ChildProcess.Run("/usr/bin/mkfifo", [folder.At(".model.pth.qkvmigrate-lock")]).ExitCode);
        var error = Assert.Throws<MigrationException>(() => TargetLock.Acquire(folder.At("model.pth")));
        Assert.Equal("this is no regular file but a FIFO, where a lock is to be", error.Problem);
    }
}
