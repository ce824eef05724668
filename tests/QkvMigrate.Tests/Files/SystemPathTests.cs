using QkvMigrate.Files;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Tests.Files;

/// <summary>A path leads .NET, which goes by names, to where it leads the system.</summary>
public sealed class SystemPathTests : IDisposable
{
    private readonly WorkFolder folder = new();

    public SystemPathTests()
    {
        Directory.CreateDirectory(folder.At("dir", "dir", "dir"));
        Directory.CreateSymbolicLink(folder.At("link"), "dir/dir");
        Directory.CreateSymbolicLink(folder.At("far"), folder.At("second"));
        Directory.CreateSymbolicLink(folder.At("second"), "./link/dir/");
        Directory.CreateSymbolicLink(folder.At("dir", "link"), "../link/..");
        Directory.CreateSymbolicLink(folder.At("dir", "dir", "link"), "..");
        File.CreateSymbolicLink(folder.At("round"), "round");
        File.CreateSymbolicLink(folder.At("nowhere"), "missing");
        File.CreateSymbolicLink(folder.At("paper"), "file");
        File.WriteAllText(folder.At("file"), "");
        File.WriteAllText(folder.At("dir", "file"), "");
        File.WriteAllText(folder.At("dir", "dir", "file"), "");
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("dir/../file")]
    [InlineData("dir/dir/../../file")]
    [InlineData("link/dir/../file")]
    [InlineData("link")]
    [InlineData("link/")]
    [InlineData("link/.")]
    [InlineData("link//./dir")]
    [InlineData("dir/../link//")]
    [InlineData("missing")]
    [InlineData("missing/file")]
    [InlineData("missing/.")]
    [InlineData("round")]
    [InlineData("nowhere/file")]
    [InlineData("file/")]
    [InlineData("~/file")]
    [InlineData("...")]
    [InlineData(" ")]
    public void What_the_names_lead_to_stays_as_it_was_written(string path)
    {
        Assert.Equal($"{folder.Path}/{path}", SystemPath.Follow($"{folder.Path}/{path}"));
        Assert.Equal($"{folder.Path}//.//{path}", SystemPath.Follow($"{folder.Path}//.//{path}"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("./")]
    [InlineData("..")]
    [InlineData("../..")]
    [InlineData("./../../file")]
    [InlineData("file")]
    [InlineData("/")]
    [InlineData("/.")]
    [InlineData("/..")]
    [InlineData("/../..//file")]
    [InlineData("//")]
    public void What_begins_at_the_working_directory_or_the_root_stays_as_it_was_written(string path) => Assert.Equal(path, SystemPath.Follow(path));

    [Theory]
    [InlineData("link/../file", "dir/file")]
    [InlineData("link/./../file", "dir/file")]
    [InlineData("link//..//file", "dir//file")]
    [InlineData("link/..", "dir")]
    [InlineData("link/../", "dir/")]
    [InlineData("link/../../file", "dir/../file")]
    [InlineData("link/dir/../../new/./file", "dir/new/./file")]
    [InlineData("far/../file", "dir/dir/file")]
    [InlineData("dir/link/../file", "file")]
    [InlineData("link/link/../link/..", "dir")]
    [InlineData("far/../../../missing/file", "dir/dir/../../missing/file")]
    public void Behind_a_link_stands_the_folder_that_the_system_goes_up_to(string path, string expected) =>
        Assert.Equal(folder.At(expected).TrimEnd('/') + (path.EndsWith('/') ? "/" : ""), SystemPath.Follow(folder.At(path)));

    [Theory]
    [InlineData("missing/../file", "'..' behind {0}/missing: No such file or directory, where a folder was expected")]
    [InlineData("nowhere/../file", "'..' behind {0}/nowhere: No such file or directory, where a folder was expected")]
    [InlineData("link/../missing/../file", "'..' behind {0}/dir/missing: No such file or directory, where a folder was expected")]
    [InlineData("file/..", "'..' behind {0}/file: Not a directory, where a folder was expected")]
    [InlineData("file/.", "'.' behind {0}/file: Not a directory, where a folder was expected")]
    [InlineData("file//.", "'.' behind {0}/file/: Not a directory, where a folder was expected")]
    [InlineData("paper/../file", "'..' behind {0}/paper: Not a directory, where a folder was expected")]
    [InlineData("round/../file", "'..' behind {0}/round: Too many levels of symbolic links, where a folder was expected")]
    public void A_path_that_the_system_cannot_follow_is_refused(string path, string expected)
    {
        var error = Assert.Throws<MigrationException>(() => SystemPath.Follow(folder.At(path)));
        Assert.Equal((FailureKind.Io, $"{folder.At(path)}: {string.Format(null, expected, folder.Path)}"), (error.Kind, error.Message));
    }

    [Fact]
    public void A_long_path_is_followed()
    {
        var up = string.Concat(Enumerable.Repeat("/dir/..", (4000 - folder.Path.Length) / 7));
        Assert.Equal($"{folder.Path}{up}", SystemPath.Follow($"{folder.Path}{up}"));
        Assert.Equal(folder.At("dir", "file"), SystemPath.Follow($"{folder.Path}{up[..^14]}/link/../file"));
    }

    /// <summary>Every path of up to four names: what .NET's reading of the result leads to is what the system finds.</summary>
    [Fact]
    public void Every_path_leads_where_the_system_says()
    {
        string[] names = ["dir", "link", "far", "file", "paper", "missing", "round", "nowhere", ".", "..", ""];
        var paths = new List<string> { folder.Path };
        for (var depth = 0; depth < 4; depth++)
        {
            paths = [.. paths.SelectMany(path => names.Select(name => $"{path}/{name}"))];
            foreach (var path in paths)
            {
                AssertLeads(path);
            }
        }

        Assert.Equal(14_641, paths.Count);
    }

    [Fact]
    public void Python_reads_the_same()
    {
        string[] paths = ["link/../file", "far/..", "far/../../file", "dir/link/../file", "link/link/link/../dir/../file", "dir/../link/../new"];
        const string program = "import os, sys\nfor path in sys.argv[1:]: print(os.path.realpath(path))";

        var read = ChildProcess.Run("python3", ["-c", program, .. paths.Select(path => folder.At(path))]);

        Assert.True(read.ExitCode == 0, read.Error);
        Assert.Equal(read.Output.TrimEnd('\n').Split('\n'), paths.Select(path => Path.GetFullPath(SystemPath.Follow(folder.At(path)))));
    }

    private static void AssertLeads(string path)
    {
        var found = FileIdentity.Of(path);
        string followed;
        try
        {
            followed = SystemPath.Follow(path);
        }
        catch (MigrationException)
        {
            Assert.True(found is null, path);
            return;
        }

        var whole = Path.GetFullPath(followed);
        Assert.True(found == FileIdentity.Of(whole), $"{path} became {followed}");
        if (Path.GetFileName(path) is not ("" or "." or ".."))
        {
            Assert.True(FileIdentity.OfLink(path) == FileIdentity.OfLink(whole), $"{path} became {followed}");
        }

        Assert.True(followed == path || path.Contains("/..", StringComparison.Ordinal), $"{path} became {followed}");
    }
}
