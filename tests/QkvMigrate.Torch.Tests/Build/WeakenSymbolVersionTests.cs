using System.Diagnostics;
using System.Reflection;
using Xunit;

namespace QkvMigrate.Torch.Tests.Build;

/// <summary>The build step that lets libLibTorchSharp.so load on older systems, run by MSBuild as a build runs it.</summary>
public sealed class WeakenSymbolVersionTests(WeakenSymbolVersionTests.Runs runs) : IClassFixture<WeakenSymbolVersionTests.Runs>
{
    private static Dictionary<string, byte[]> Libraries { get; } = new()
    {
        ["strong"] = new ElfLibrary().Bytes,
        ["weak"] = new ElfLibrary().Put(ElfLibrary.Flags, 2, 2).Bytes,
        ["similar"] = new ElfLibrary().Rename("GLIBCXX_3.4.32", "GLIBCXX_3.4.31").Bytes,
        ["without"] = new ElfLibrary().Put(ElfLibrary.SectionHeader(2) + 4, 1, 4).Bytes,
        ["empty"] = [],
        ["text"] = [.. Enumerable.Repeat((byte)' ', 512)],
        ["class32"] = new ElfLibrary().Put(4, 0x0101, 2).Bytes,
        ["headers"] = new ElfLibrary().Put(0x3a, 40, 2).Bytes,
        ["sections"] = new ElfLibrary().Put(0x28, ulong.MaxValue, 8).Bytes,
        ["link"] = new ElfLibrary().Put(ElfLibrary.SectionHeader(2) + 0x28, 3, 4).Bytes,
        ["cut"] = new ElfLibrary().Bytes[..(ElfLibrary.Flags + 2)],
        ["chain"] = new ElfLibrary().Put(ElfLibrary.Needs + 12, uint.MaxValue, 4).Bytes,
    };

    [Fact]
    public void The_version_becomes_weak_and_nothing_else_changes()
    {
        var expected = Libraries["strong"].ToArray();
        Assert.Equal(0, expected[ElfLibrary.Flags]);
        expected[ElfLibrary.Flags] = 2;
        Assert.Equal(expected, runs.Result("strong"));
        Assert.Equal(Libraries["strong"], runs.Source("strong"));
    }

    [Theory]
    [InlineData("weak")]
    [InlineData("without")]
    public void Where_there_is_nothing_to_do_the_copy_is_the_same(string name) =>
        Assert.Equal(Libraries[name], runs.Result(name));

    [Fact]
    public void A_version_is_found_by_its_whole_name() =>
        Assert.Equal(Libraries["similar"], runs.Result("similar"));

    [Theory]
    [InlineData("empty", "4 bytes at 0 are past the end of the file, 0 bytes")]
    [InlineData("text", "not a 64-bit little-endian ELF file")]
    [InlineData("class32", "not a 64-bit little-endian ELF file")]
    [InlineData("headers", "section headers of 40 bytes, expected 64")]
    [InlineData("sections", "offset 18446744073709551615 is past the end of the file, 512 bytes")]
    [InlineData("link", "section 2 links to section 3 of 3")]
    [InlineData("cut", "4 bytes at 472 are past the end of the file, 470 bytes")]
    [InlineData("chain", "2 bytes at 4294967681 are past the end of the file, 512 bytes")]
    public void A_library_that_breaks_the_rules_is_refused(string name, string message)
    {
        Assert.Single(runs.Log, line => line.EndsWith($" : {runs.SourcePath(name)}: {message}", StringComparison.Ordinal));
        Assert.Null(runs.Result(name));
    }

    [Fact]
    public void Nothing_but_results_is_left_behind() =>
        Assert.Equal(["similar", "strong", "weak", "without"], runs.Results);

    [Fact]
    public void The_library_beside_these_tests_loads_and_computes()
    {
        TorchLibrary.Load();
        using var ones = TorchSharp.torch.ones(3);
        Assert.Equal(3, ones.sum().item<float>());
    }

    /// <summary>One run of MSBuild over all libraries, each of which may fail.</summary>
    public sealed class Runs : IDisposable
    {
        private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-elf-");

        public Runs()
        {
            foreach (var (name, bytes) in Libraries)
            {
                File.WriteAllBytes(SourcePath(name), bytes);
            }

            // A copy of an earlier build is replaced.
            Directory.CreateDirectory(Path.GetDirectoryName(ResultPath("weak"))!);
            File.WriteAllText(ResultPath("weak"), "earlier");
            var targets = typeof(Runs).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "TorchNativesTargets").Value;
            var project = Path.Combine(folder.FullName, "weaken.proj");
            File.WriteAllText(project, $"""
                <Project>
                  <Import Project="{targets}" />
                  <Target Name="Weaken">
                    <ItemGroup><Library Include="*.so" /></ItemGroup>
                    <WeakenSymbolVersion Source="%(Library.FullPath)" Destination="results/%(Filename)" Version="GLIBCXX_3.4.32" ContinueOnError="true" />
                  </Target>
                </Project>
                """);
            var start = new ProcessStartInfo("dotnet", ["msbuild", project, "-t:Weaken", "-nologo", "-nodeReuse:false"])
            {
                RedirectStandardOutput = true,
                UseShellExecute = false,
                WorkingDirectory = folder.FullName,
            };
            using var process = Process.Start(start)!;
            Log = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.TrimEntries);
            process.WaitForExit();
        }

        public string[] Log { get; }

        public IEnumerable<string?> Results => Directory.GetFiles(Path.Combine(folder.FullName, "results")).Select(Path.GetFileName).Order(StringComparer.Ordinal);

        public string SourcePath(string name) => Path.Combine(folder.FullName, name + ".so");

        public byte[] Source(string name) => File.ReadAllBytes(SourcePath(name));

        public byte[]? Result(string name) => File.Exists(ResultPath(name)) ? File.ReadAllBytes(ResultPath(name)) : null;

        public void Dispose() => folder.Delete(recursive: true);

        private string ResultPath(string name) => Path.Combine(folder.FullName, "results", name);
    }
}
