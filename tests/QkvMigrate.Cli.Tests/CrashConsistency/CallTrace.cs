using System.Globalization;
using System.Text.RegularExpressions;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>Watches by strace all that the program does to files: every call that changes one, or brings one to the disk.</summary>
internal static partial class CallTrace
{
    /// <summary>More than any call of a test writes.</summary>
    private const string LongestString = "16777216";

    // Those of which the model knows nothing are watched too, so that they are told and not passed over.
    private const string Calls =
        "open,openat,openat2,creat,close,dup,dup2,dup3,mmap,write,pwrite64,writev,pwritev,pwritev2,truncate,ftruncate,fallocate,"
        + "copy_file_range,sendfile,splice,ioctl,io_uring_enter,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,"
        + "mkdir,mkdirat,rmdir,fsync,fdatasync,sync,syncfs,sync_file_range";

    /// <summary>Runs the program, and returns how it ended and what it did, in the order in which the calls ended.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">What it finds in its environment besides what it needs.</param>
    public static (ProcessResult Result, IReadOnlyList<SystemCall> Calls) Run(
        IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string>> environment)
    {
        var tracer = Strace.Require();
        using var folder = new WorkFolder();
        string[] options = ["-f", "-qq", "-xx", "-s", LongestString, "-o", folder.At("trace"), "-e", $"trace={Calls}", "-e", "signal=none"];
        var all = new Dictionary<string, string>([.. Tool.Environment, .. environment]);
        var result = ChildProcess.Run(tracer, [.. options, BuildFacts.Program, .. arguments], all);
        return (result, Parse(File.ReadLines(folder.At("trace"))));
    }

    /// <summary>Puts together what a line says, or two lines where another thread's call came between.</summary>
    public static IReadOnlyList<SystemCall> Parse(IEnumerable<string> lines)
    {
        var calls = new List<SystemCall>();
        var unfinished = new Dictionary<string, (int Line, string Text)>();
        foreach (var (number, line) in lines.Index())
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            var (thread, text) = (line[..space], line[space..].TrimStart());
            if (Unfinished().Match(text) is { Success: true } begun)
            {
                unfinished[thread] = (number, begun.Groups["text"].Value);
                continue;
            }

            var begin = number;
            if (Resumed().Match(text) is { Success: true } resumed && unfinished.Remove(thread, out var first))
            {
                begin = first.Line;
                text = first.Text + resumed.Groups["text"].Value;
            }

            var whole = Whole().Match(text);
            // A call of which strace does not know what it is was cut off by the end of its process.
            var isEnd = text.StartsWith("+++", StringComparison.Ordinal) || text.StartsWith("???(", StringComparison.Ordinal) || text.EndsWith("= ?", StringComparison.Ordinal);
            Assert.True(whole.Success || isEnd, $"strace wrote what is no call: {line}");
            if (whole.Success && !whole.Groups["result"].Value.StartsWith('-'))
            {
                var value = whole.Groups["result"].Value;
                var result = value.StartsWith("0x", StringComparison.Ordinal)
                    ? long.Parse(value[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                    : long.Parse(value, CultureInfo.InvariantCulture);
                calls.Add(new SystemCall(begin, number, whole.Groups["name"].Value, whole.Groups["arguments"].Value.Split(", "), result));
            }
        }

        return calls;
    }

    [GeneratedRegex(@"^(?<text>.*?) ?<unfinished \.\.\.>$", RegexOptions.NonBacktracking)]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"^<\.\.\. \w+ resumed>(?<text>.*)$", RegexOptions.NonBacktracking)]
    private static partial Regex Resumed();

    [GeneratedRegex(@"^(?<name>\w+)\((?<arguments>.*)\)\s+= (?<result>-?(?:0x)?[0-9a-f]+)(?: .*)?$", RegexOptions.NonBacktracking)]
    private static partial Regex Whole();
}
