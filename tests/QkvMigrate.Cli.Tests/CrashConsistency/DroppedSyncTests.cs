using System.Text.RegularExpressions;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>
/// Whether the states of <see cref="CrashModel"/> and the promises held against them would find a sync that is missing: each sync of a
/// run is taken out of its trace, and then a promise is broken. Those without which none is, another one covers: DroppedSyncs.txt
/// names them, and QKVMIGRATE_UPDATE=1 writes it anew. QKVMIGRATE_CRASH_STATES has all scenarios looked at.
/// </summary>
public sealed partial class DroppedSyncTests(ITestOutputHelper log)
{
    /// <summary>States that are drawn besides those in which something is missing that the sync had brought to the disk.</summary>
    private const int Drawn = 100;

    /// <summary>Different states that are recovered where none is broken as it is found.</summary>
    private const int Recovered = 60;

    /// <summary>What each test run looks at.</summary>
    private static readonly string[] Few = ["file in place with a backup", "folder", "tree with a changed source", "file in place with a journal"];

    private static readonly bool IsLong = Environment.GetEnvironmentVariable("QKVMIGRATE_CRASH_STATES") is not null;

    private static string Approved => Repository.At("tests", "QkvMigrate.Cli.Tests", "CrashConsistency", "DroppedSyncs.txt");

    public static TheoryData<string> Runs { get; } = [.. Steady.Select(scenario => scenario.Name).Where(name => IsLong || Few.Contains(name))];

    public static TheoryData<string> RunsInSteps { get; } =
        [.. Scenarios.All.Where(scenario => scenario.IsInSteps).Select(scenario => scenario.Name)];

    public static TheoryData<string> RunsTogether { get; } =
        [.. Scenarios.All.Where(scenario => scenario.IsTogether).Select(scenario => scenario.Name)];

    private static IEnumerable<Scenario> Steady => Scenarios.All.Where(scenario => !scenario.IsInSteps && !scenario.IsTogether);

    [Theory]
    [MemberData(nameof(Runs))]
    public void Without_any_one_of_its_syncs_a_run_breaks_a_promise(string name)
    {
        // With one job, so that the order of the syncs is always the same.
        using var run = new CrashedRun(Scenarios.Named(name) with { Jobs = 1 }, isPortable: false);
        List<string> covered = [];
        foreach (var sync in run.Trace.Syncs)
        {
            var why = Why(run, [sync]);
            log.WriteLine($"{sync.Name}: {why ?? "not needed"}");
            covered.AddRange(why is null ? [Temporary().Replace(sync.Name, ".tmp")] : Array.Empty<string>());
        }

        if (Environment.GetEnvironmentVariable("QKVMIGRATE_UPDATE") == "1")
        {
            Write(name, covered);
        }

        var known = Known().GetValueOrDefault(name, []).CountBy(line => line).ToDictionary();
        Assert.True(covered.Count < run.Trace.Syncs.Count, "no sync is needed");
        Assert.All(
            covered.CountBy(line => line),
            line => Assert.True(line.Value <= known.GetValueOrDefault(line.Key), $"{line.Value} syncs of {line.Key} are not needed"),
            throwIfEmpty: false);
    }

    /// <summary>Where steps overlap, one sync covers what another had brought to the disk now and then, but not all of one file's.</summary>
    [Theory]
    [MemberData(nameof(RunsInSteps))]
    public void Without_the_syncs_of_any_file_or_folder_a_run_in_steps_breaks_a_promise(string name)
    {
        using var run = new CrashedRun(Scenarios.Named(name), isPortable: false);
        foreach (var syncs in run.Trace.Syncs.GroupBy(sync => sync.Node))
        {
            var why = Why(run, [.. syncs]);
            log.WriteLine($"{syncs.Count()} of {syncs.First().Name}: {why}");
            Assert.True(why is not null, $"{syncs.First().Name} needs no sync");
        }
    }

    /// <summary>Those of the whole filesystem are there, and they are what names and bytes rely on.</summary>
    [Theory]
    [MemberData(nameof(RunsTogether))]
    public void Without_the_syncs_of_many_a_run_breaks_a_promise(string name)
    {
        PortableSwitch.SkipWhereItIsOn();
        using var run = new CrashedRun(Scenarios.Named(name), isPortable: false);
        var together = run.Trace.Syncs.Where(sync => sync.Node is null).ToList();
        Assert.SkipWhen(together.Count == 0, "nothing was synced together: this machine is busy, or more waits to be written than is allowed for that");

        Assert.NotNull(Why(run, together));
    }

    /// <summary>What is broken without the syncs; null where nothing is found.</summary>
    private static string? Why(CrashedRun run, IReadOnlyCollection<Sync> without)
    {
        var model = new CrashModel(run.Trace, without);
        var lacking = CrashedRun.Lacking(model, without);
        var asFound = lacking.Concat(CrashedRun.Draw(model, 1).Take(Drawn)).Select(found => run.Broken(found.Moment, found.State));
        var different = lacking.DistinctBy(found => found.State.Identity).Take(Recovered);
        var recovered = different.Select(found => run.BrokenAfterRecovery(found.State, byProgram: false));
        return asFound.Concat(recovered).FirstOrDefault(problem => problem is not null);
    }

    /// <summary>For each run the syncs that others cover.</summary>
    private static Dictionary<string, string[]> Known() =>
        File.ReadAllText(Approved).TrimEnd().Split("\n\n").Select(section => section.Split('\n')).ToDictionary(lines => lines[0], lines => lines[1..]);

    private static void Write(string name, IEnumerable<string> covered)
    {
        var known = Known();
        known[name] = [.. covered];
        var all = Steady.Select(scenario => scenario.Name).Where(known.ContainsKey).Select(title => string.Join('\n', known[title].Prepend(title)));
        File.WriteAllText(Approved, string.Join("\n\n", all) + "\n");
    }

    [GeneratedRegex(@"\.\d+-[0-9a-f]{8}\.qkvmigrate-tmp", RegexOptions.NonBacktracking)]
    private static partial Regex Temporary();
}
