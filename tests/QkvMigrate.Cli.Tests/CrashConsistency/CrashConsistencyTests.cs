using System.Globalization;
using Xunit;

namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>
/// Power cuts at any moment of a run: what the disk may hold then keeps every promise, and the next run makes of it what an
/// undisturbed one does. QKVMIGRATE_CRASH_STATES sets how many states of each scenario are drawn, QKVMIGRATE_CRASH_SEED which.
/// </summary>
public sealed class CrashConsistencyTests(ITestOutputHelper log)
{
    private const int States = 12;

    /// <summary>One in so many states is recovered by the program itself, the others within this process.</summary>
    private const int ByProgram = 100;

    public static TheoryData<string, bool> Runs { get; } =
        [.. Scenarios.All.SelectMany(scenario => new[] { false, true }.Select(isPortable => new TheoryDataRow<string, bool>(scenario.Name, isPortable)))];

    [Theory]
    [MemberData(nameof(Runs))]
    public void What_a_power_cut_leaves_is_old_or_new_and_the_next_run_finishes_it(string name, bool isPortable)
    {
        var states = Setting("QKVMIGRATE_CRASH_STATES", States);
        using var run = new CrashedRun(Scenarios.Named(name), isPortable);
        var different = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, (moment, state)) in CrashedRun.Draw(run.Whole, Setting("QKVMIGRATE_CRASH_SEED", 1)).Take(states).Index())
        {
            if (run.Broken(moment, state) is { } broken)
            {
                Assert.Fail($"at line {moment} of {run.Trace.Length}: {broken}\n{state.Identity}");
            }

            if (different.Add(state.Identity) && run.BrokenAfterRecovery(state, byProgram: i % ByProgram == 0) is { } problem)
            {
                Assert.Fail($"at line {moment} of {run.Trace.Length}, after the next run: {problem}\n{state.Identity}");
            }
        }

        log.WriteLine($"{name}: {run.Trace.Effects.Count} effects, {run.Trace.Syncs.Count} syncs, {states} states, {different.Count} different");
    }

    private static int Setting(string variable, int ordinary) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : ordinary;
}
