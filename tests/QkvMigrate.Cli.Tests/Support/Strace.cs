using QkvMigrate.Testing;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>strace, which watches a program's calls of the kernel and changes what they give back.</summary>
internal static class Strace
{
    private const string Program = "/usr/bin/strace";

    /// <summary>Where strace is; ends the calling test where it is not.</summary>
    public static string Require()
    {
        if (!File.Exists(Program))
        {
            Prerequisite.Missing($"needs {Program}: apt-get install strace");
        }

        return Program;
    }

    /// <summary>What is put before a program's command line so that <paramref name="rule"/>, in strace's words, is injected into it.</summary>
    /// <param name="rule">The rule: a call, and what becomes of it.</param>
    /// <param name="filter">More options: which calls it is for.</param>
    public static IReadOnlyList<string> Command(string rule, params IEnumerable<string> filter)
    {
        var call = rule[..rule.IndexOf(':', StringComparison.Ordinal)];
        return [Require(), "-f", "-qq", "-o", "/dev/null", "-e", $"trace={call}", "-e", $"inject={rule}", .. filter, "--"];
    }
}
