using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>A run that was traced, the disks that a power cut in it may leave, and what the next run makes of them.</summary>
internal sealed class CrashedRun : IDisposable
{
    private readonly WorkFolder work = new(Directory.Exists("/dev/shm") ? "/dev/shm" : null);
    private readonly Scenario scenario;
    private readonly Promises promises;

    /// <summary>Runs the program once, under strace.</summary>
    /// <param name="scenario">What it does.</param>
    /// <param name="isPortable">Whether it does without what is Linux's own.</param>
    public CrashedRun(Scenario scenario, bool isPortable)
    {
        this.scenario = scenario;
        Directory.CreateDirectory(Root);
        scenario.Make(Root);
        var before = DiskState.Of(Root);
        var replay = new TraceReplay(Root);
        var environment = new Dictionary<string, string>(isPortable ? [new(PortableSwitch.Variable, "1")] : []);
        var (result, calls) = CallTrace.Run(scenario.Arguments(Root, scenario.IsForced), environment);
        Assert.True(result.ExitCode == 0, result.Error);
        Trace = replay.Run(calls);
        var after = DiskState.Of(Root);
        Whole = new CrashModel(Trace);
        Assert.Equal(after.Identity, Whole.At(Trace.Length, _ => Reach.Most, new Random(0)).Identity);
        promises = new Promises(scenario, before, after);
    }

    /// <summary>What it did.</summary>
    public TracedRun Trace { get; }

    /// <summary>The model of it, with all of its syncs.</summary>
    public CrashModel Whole { get; }

    /// <summary>The folder; one path for all states, because records name it.</summary>
    private string Root => work.At("disk");

    public void Dispose() => work.Dispose();

    /// <summary>States that a power cut may leave, drawn one after the other: a moment, and of each file as much as chance gives.</summary>
    public static IEnumerable<(int Moment, DiskState State)> Draw(CrashModel model, int seed)
    {
        var random = new Random(seed);
        while (true)
        {
            var moment = model.Moments[random.Next(model.Moments.Count)];
            var basis = (Reach)random.Next(3);
            var share = random.NextDouble();
            var reaches = model.Open(moment).ToDictionary(chain => chain, _ => random.NextDouble() < share ? (Reach)random.Next(3) : basis);
            yield return (moment, model.At(moment, chain => reaches.GetValueOrDefault(chain, basis), random));
        }
    }

    /// <summary>The states in which one file's names or bytes are all there is of what was not synced, or all that is missing of it; and none, and all.</summary>
    public static IEnumerable<(int Moment, DiskState State)> Extremes(CrashModel model, int from)
    {
        var random = new Random(0);
        foreach (var moment in model.Moments.Where(moment => moment >= from))
        {
            foreach (var basis in new[] { Reach.Least, Reach.Most })
            {
                yield return (moment, model.At(moment, _ => basis, random));
                foreach (var odd in model.Open(moment))
                {
                    yield return (moment, model.At(moment, chain => chain != odd ? basis : basis == Reach.Least ? Reach.Most : Reach.Least, random));
                    yield return (moment, model.At(moment, chain => chain != odd ? basis : Reach.Some, random));
                }
            }
        }
    }

    /// <summary>What is broken in a state as it is found.</summary>
    public string? Broken(int moment, DiskState state) => promises.Broken(state, isOver: moment >= Trace.Length);

    /// <summary>What is broken after the same command was given once more.</summary>
    /// <param name="state">The state.</param>
    /// <param name="byProgram">Whether the program is started, and not run within this process.</param>
    public string? BrokenAfterRecovery(DiskState state, bool byProgram)
    {
        Directory.Delete(Root, recursive: true);
        state.Write(Root);

        // Whoever finds an output says whether it is to be replaced; an account knows by itself.
        var force = scenario.IsForced || (scenario.Output is { } output && !state.Entries.Keys.Any(name => name.EndsWith("tree.json", StringComparison.Ordinal)) && state.Entries.ContainsKey(output));
        var problem = byProgram ? RunProgram(force) : scenario.Run(Root, force);
        return problem ?? promises.BrokenAfterRecovery(DiskState.Of(Root));
    }

    private string? RunProgram(bool force)
    {
        var run = Tool.Run(scenario.Arguments(Root, force));
        return run.ExitCode == 0 ? null : run.Error;
    }
}
