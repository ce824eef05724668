using System.Text.RegularExpressions;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>A read of a file: bytes from <paramref name="Start"/> up to, not including, <paramref name="End"/>.</summary>
internal readonly record struct ByteRange(long Start, long End)
{
    public bool Overlaps(ByteRange other) => Start < other.End && other.Start < End;
}

/// <summary>Watches by strace which bytes of a file the program reads, in whatever way.</summary>
internal static partial class ReadTrace
{
    // Every call that brings a file's bytes into memory or into another file.
    private const string Calls = "read,pread64,readv,preadv,preadv2,mmap,copy_file_range,sendfile,splice,ioctl";

    /// <summary>Runs the program and returns its result and the ranges of <paramref name="file"/> that it read.</summary>
    public static (ProcessResult Result, IReadOnlyList<ByteRange> Reads) Run(string file, params IEnumerable<string> arguments)
    {
        var tracer = Strace.Require();
        using var folder = new WorkFolder();
        // One trace a thread, so that no call is split in two lines by another's; descriptors with their paths; no data.
        string[] options = ["-ff", "-y", "-s", "0", "-o", folder.At("trace"), "-e", $"trace={Calls}"];
        var result = ChildProcess.Run(tracer, [.. options, BuildFacts.Program, .. arguments], Tool.Environment);
        var lines = Directory.EnumerateFiles(folder.Path).SelectMany(File.ReadLines);
        return (result, [.. lines.Where(line => line.Contains($"<{file}>", StringComparison.Ordinal)).Select(Range)]);
    }

    private static ByteRange Range(string line)
    {
        var read = PositionedRead().Match(line);
        Assert.True(read.Success, $"reads of the checkpoint tell their position, but not this one: {line}");
        var start = long.Parse(read.Groups["offset"].Value);
        return new ByteRange(start, start + long.Parse(read.Groups["count"].Value));
    }

    [GeneratedRegex(@"^pread64\(.*, \d+, (?<offset>\d+)\) = (?<count>\d+)$", RegexOptions.NonBacktracking)]
    private static partial Regex PositionedRead();
}
