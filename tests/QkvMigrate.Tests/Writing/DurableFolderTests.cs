using QkvMigrate.Testing;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Writing;

public sealed class DurableFolderTests : IDisposable
{
    private readonly WorkFolder folder = new();

    private string Target => folder.At("model-qkv");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("", false)]
    [InlineData("", true)]
    [InlineData("/", false)]
    [InlineData("//", true)]
    public void The_folder_is_renamed_as_a_whole(string slashes, bool mayExist)
    {
        using (var written = DurableFolder.Create(Target + slashes, mayExist))
        {
            File.WriteAllText(Path.Combine(written.WritePath, "a"), "one");
            Directory.CreateDirectory(Path.Combine(written.WritePath, "inner"));
            File.WriteAllText(Path.Combine(written.WritePath, "inner", "b"), "two");
            Assert.False(Directory.Exists(Target));
            Assert.Equal(folder.Path, Path.GetDirectoryName(written.WritePath));
            Assert.StartsWith(".model-qkv.", Path.GetFileName(written.WritePath), StringComparison.Ordinal);
            written.Commit();
        }

        Assert.Equal("one", File.ReadAllText(Path.Combine(Target, "a")));
        Assert.Equal("two", File.ReadAllText(Path.Combine(Target, "inner", "b")));
        Assert.Equal([Target], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void What_is_not_committed_leaves_nothing()
    {
        using (var written = DurableFolder.Create(Target, mayExist: false))
        {
            File.WriteAllText(Path.Combine(written.WritePath, "a"), "one");
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Folders_on_the_way_are_made()
    {
        var path = folder.At("runs", "today", "model");
        using (var written = DurableFolder.Create(path, mayExist: false))
        {
            written.Commit();
        }

        Assert.True(Directory.Exists(path));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_folder_that_is_there_is_written_into_where_that_is_allowed(bool isCommitted)
    {
        Directory.CreateDirectory(Target);
        File.WriteAllText(Path.Combine(Target, "kept"), "old");
        using (var written = DurableFolder.Create(Target, mayExist: true))
        {
            Directory.CreateDirectory(Path.Combine(written.WritePath, "below"));
            File.WriteAllText(Path.Combine(written.WritePath, "a"), "one");
            File.WriteAllText(Path.Combine(written.WritePath, "below", "b"), "two");
            if (isCommitted)
            {
                written.Commit();
            }
        }

        Assert.Equal("old", File.ReadAllText(Path.Combine(Target, "kept")));
        Assert.Equal(isCommitted ? ["a", "below/b", "kept"] : ["kept"], WorkFolder.Snapshot(Target).Keys);
        Assert.Equal([Target], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_link_gets_its_name_as_one_and_nothing_behind_it_is_moved()
    {
        Directory.CreateDirectory(Target);
        Directory.CreateDirectory(Path.Combine(folder.Path, "data"));
        File.WriteAllText(Path.Combine(folder.Path, "data", "precious"), "one");
        using (var written = DurableFolder.Create(Target, mayExist: true))
        {
            File.CreateSymbolicLink(Path.Combine(written.WritePath, "data"), Path.Combine(folder.Path, "data"));
            File.CreateSymbolicLink(Path.Combine(written.WritePath, "dangling"), "nowhere");
            written.Commit();
        }

        Assert.Equal("one", File.ReadAllText(Path.Combine(folder.Path, "data", "precious")));
        Assert.Equal(Path.Combine(folder.Path, "data"), new FileInfo(Path.Combine(Target, "data")).LinkTarget);
        Assert.Equal("nowhere", new FileInfo(Path.Combine(Target, "dangling")).LinkTarget);
    }

    [Fact]
    public async Task Links_to_the_folder_that_they_are_in_are_not_entered()
    {
        using var written = DurableFolder.Create(Target, mayExist: false);
        foreach (var name in (string[])["one", "two"])
        {
            // Each way along them, up to the system's limit of 40, would be another folder.
            File.CreateSymbolicLink(Path.Combine(written.WritePath, name), ".");
        }

        var token = TestContext.Current.CancellationToken;
        await Task.Run(() => written.Commit(), token).WaitAsync(TimeSpan.FromSeconds(30), token);
        Assert.Equal(".", new FileInfo(Path.Combine(Target, "one")).LinkTarget);
    }

    [Fact]
    public void A_folder_that_came_meanwhile_is_not_replaced()
    {
        using (var written = DurableFolder.Create(Target, mayExist: false))
        {
            Directory.CreateDirectory(Target);
            File.WriteAllText(Path.Combine(Target, "kept"), "old");
            var refused = Assert.Throws<MigrationException>(() => written.Commit());
            Assert.Equal($"{Target}: rename: File exists : '{Target}'", refused.Message);
            Assert.Equal(FailureKind.Io, refused.Kind);
        }

        Assert.Equal("old", File.ReadAllText(Path.Combine(Target, "kept")));
        Assert.Equal([Target], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Two_do_not_write_one_folder()
    {
        using var written = DurableFolder.Create(Target, mayExist: false);
        var refused = Assert.Throws<MigrationException>(() => DurableFolder.Create(Target + "/", mayExist: false));
        Assert.Equal(FailureKind.Target, refused.Kind);
        Assert.EndsWith($"another run of qkvmigrate (process {Environment.ProcessId}) is writing it", refused.Message, StringComparison.Ordinal);
    }
}
