using QkvMigrate.Layouts;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

public sealed class ChecksumLinesTests : IDisposable
{
    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Lines_are_sorted_by_path_and_tell_of_finished_units_alone()
    {
        var units = new[]
        {
            Entry("b", ManifestState.Finished, ("x", "0b")),
            Entry("", ManifestState.Finished, ("z", "02"), ("a", "01")),
            Entry("c", ManifestState.Writing, ("y", "0c")),
        };

        var lines = ChecksumLines.Join(units.Select(ChecksumLines.Of));

        Assert.Equal("01  a\n0b  b/x\n02  z\n", lines);
    }

    /// <summary>What coreutils makes of names with backslashes and line ends, it also reads.</summary>
    [Theory]
    [InlineData("plain.pth")]
    [InlineData("with space  .pth")]
    [InlineData("back\\slash.pth")]
    [InlineData("line\nend.pth")]
    [InlineData("both\\n\n.pth")]
    [InlineData("*star.pth")]
    public void The_line_is_the_one_that_sha256sum_writes(string name)
    {
        File.WriteAllText(folder.At(name), "content");
        var expected = ChildProcess.Run("/bin/sh", ["-c", "cd \"$1\" && sha256sum -- \"$2\"", "sh", folder.Path, name]);

        var entry = Entry("", ManifestState.Finished, (name, "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"));
        var line = ChecksumLines.Join([ChecksumLines.Of(entry)]);

        Assert.Equal(expected.Output, line);
        File.WriteAllText(folder.At("SHA256SUMS"), line);
        Assert.Equal(0, ChildProcess.Run("/bin/sh", ["-c", "cd \"$1\" && sha256sum --quiet --strict -c SHA256SUMS", "sh", folder.Path]).ExitCode);
    }

    private static ManifestEntry Entry(string unit, ManifestState state, params (string Path, string Sha256)[] files) => new(
        RecordDocument.SchemaVersion,
        unit,
        state,
        new ResultOptions(Conversion.Upgrade, null, null, null, null, null, default, false, null, false, false, null),
        [],
        [.. files.Select(file => new ResultFile(file.Path, 7, file.Sha256))]);
}
