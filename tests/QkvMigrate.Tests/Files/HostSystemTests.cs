using QkvMigrate.Files;
using QkvMigrate.Files.Systems;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests.Files;

/// <summary>What all systems promise, held against the two that can run here.</summary>
public sealed class HostSystemTests : IDisposable
{
    private readonly WorkFolder folder = new();

    public static TheoryData<bool> IsPortable => [false, true];

    private string Old => folder.At("old");

    private string New => folder.At("new");

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(IsPortable))]
    public void A_file_is_renamed_to_a_free_name(bool isPortable)
    {
        File.WriteAllText(Old, "content");

        Of(isPortable).Rename(Old, New, replace: false);

        Assert.Equal("content", File.ReadAllText(New));
        Assert.False(File.Exists(Old));
    }

    [Theory]
    [MemberData(nameof(IsPortable))]
    public void A_name_that_is_taken_is_refused_and_both_stay(bool isPortable)
    {
        File.WriteAllText(Old, "content");
        File.WriteAllText(New, "another");

        var error = Assert.Throws<IOException>(() => Of(isPortable).Rename(Old, New, replace: false));

        Assert.Contains("File exists", error.Message, StringComparison.Ordinal);
        Assert.Equal("content", File.ReadAllText(Old));
        Assert.Equal("another", File.ReadAllText(New));
    }

    [Theory]
    [MemberData(nameof(IsPortable))]
    public void A_name_that_a_link_to_nowhere_has_is_taken(bool isPortable)
    {
        File.WriteAllText(Old, "content");
        File.CreateSymbolicLink(New, "nowhere");

        Assert.Throws<IOException>(() => Of(isPortable).Rename(Old, New, replace: false));

        Assert.Equal("nowhere", new FileInfo(New).LinkTarget);
    }

    [Theory]
    [MemberData(nameof(IsPortable))]
    public void A_link_is_renamed_itself(bool isPortable)
    {
        File.WriteAllText(folder.At("target"), "content");
        File.CreateSymbolicLink(Old, "target");

        Of(isPortable).Rename(Old, New, replace: false);

        Assert.Equal("target", new FileInfo(New).LinkTarget);
        Assert.Null(FileIdentity.OfLink(Old));
    }

    [Theory]
    [MemberData(nameof(IsPortable))]
    public void A_file_that_is_open_gives_way_and_stays_readable(bool isPortable)
    {
        File.WriteAllText(Old, "content");
        File.WriteAllText(New, "another");
        using var opened = new StreamReader(new FileStream(New, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));

        Of(isPortable).Rename(Old, New, replace: true);

        Assert.Equal("content", File.ReadAllText(New));
        Assert.Equal("another", opened.ReadToEnd());
    }

    [Theory]
    [MemberData(nameof(IsPortable))]
    public void A_folder_takes_the_place_of_an_empty_one_alone(bool isPortable)
    {
        Directory.CreateDirectory(Path.Combine(Old, "inner"));
        Directory.CreateDirectory(New);
        Assert.Throws<IOException>(() => Of(isPortable).Rename(Old, New, replace: false));

        Of(isPortable).Rename(Old, New, replace: true);

        Assert.True(Directory.Exists(Path.Combine(New, "inner")));
        Directory.CreateDirectory(Old);
        Assert.Throws<IOException>(() => Of(isPortable).Rename(Old, New, replace: true));
        Assert.True(Directory.Exists(Path.Combine(New, "inner")));
    }

    [Theory]
    [MemberData(nameof(IsPortable))]
    public void A_lock_is_one_processs_and_its_file_tells_whether_it_was_there(bool isPortable)
    {
        using (var first = Of(isPortable).Lock(New, wait: false, out var isNew))
        {
            Assert.NotNull(first);
            Assert.True(isNew);
            Assert.Null(Of(isPortable).Lock(New, wait: false, out isNew));
            Assert.False(isNew);
            using var reader = Of(isPortable).OpenLocked(New);
            Assert.True(FileIdentity.Of(reader).IsSameFile(FileIdentity.Of(first)));
        }

        using var next = Of(isPortable).Lock(New, wait: true, out var isNewAgain);
        Assert.NotNull(next);
        Assert.False(isNewAgain);
    }

    /// <summary>Two programs of one user may differ: a build that runs on every system, and one for Linux.</summary>
    [Theory]
    [MemberData(nameof(IsPortable))]
    public void The_lock_of_one_implementation_keeps_the_other_out(bool isPortable)
    {
        using var held = Of(isPortable).Lock(New, wait: false, out _);
        Assert.NotNull(held);

        Assert.Null(Of(!isPortable).Lock(New, wait: false, out _));
    }

    [Theory]
    [MemberData(nameof(IsPortable))]
    public void A_link_is_no_file_of_a_lock(bool isPortable)
    {
        File.WriteAllText(Old, "content");
        foreach (var target in new[] { Old, folder.At("nowhere") })
        {
            File.CreateSymbolicLink(New, target);
            Assert.Throws<IOException>(() => Of(isPortable).Lock(New, wait: false, out _));
            File.Delete(New);
        }

        Assert.Equal("content", File.ReadAllText(Old));
        Assert.False(File.Exists(folder.At("nowhere")));
    }

    [Theory]
    [MemberData(nameof(IsPortable))]
    public void A_disk_that_is_too_small_is_told(bool isPortable)
    {
        using var file = File.OpenHandle(New, FileMode.CreateNew, FileAccess.ReadWrite);
        Of(isPortable).Allocate(file, 4096);

        // More than any file may have, which is refused at once. Of a size that only the disk has not, ext4 takes all that is free before it fails, and whoever writes meanwhile fails too.
        var error = Assert.ThrowsAny<IOException>(() => Of(isPortable).Allocate(file, 1L << 62));

        Assert.Contains(Of(isPortable).ProblemOf(error), new[] { DiskProblem.NoSpace, DiskProblem.FileTooLarge });
    }

    [Theory]
    [MemberData(nameof(IsPortable))]
    public void Files_and_folders_are_synced_and_what_is_not_there_is_told(bool isPortable)
    {
        File.WriteAllText(New, "content");
        using var file = File.OpenHandle(New, FileMode.Open, FileAccess.ReadWrite);

        Of(isPortable).Flush(file);
        Of(isPortable).FlushFolder(folder.Path);

        Assert.Throws<IOException>(() => Of(isPortable).FlushFolder(Old));
    }

    private static HostSystem Of(bool isPortable) => isPortable ? new PortableLinuxSystem() : new LinuxSystem();
}
