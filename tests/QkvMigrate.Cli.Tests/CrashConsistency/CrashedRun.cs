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
        var (result, calls) = CallTrace.Run(scenario.Arguments(Root, force: false), environment);
        Assert.True(result.ExitCode == 0, result.Error);
        Trace = replay.Run(calls);
        var after = DiskState.Of(Root);
        Whole = new CrashModel(Trace);
        Assert.Equal(after.Identity, Whole.At(Trace.Length, _ => Reach.Most, new Random(0)).Identity);
        promises = new Promises(scenario, before, after, scenario.IsRecovery ? Scenarios.EndsOfRecovery : []);
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

    /// <summary>
    /// The states in which something is missing that syncs had brought to the disk: all else is there, or nothing else is.
    /// </summary>
    public static IEnumerable<(int Moment, DiskState State)> Lacking(CrashModel model, IReadOnlyCollection<Sync> syncs)
    {
        var random = new Random(0);
        foreach (var moment in model.Moments.Where(moment => moment >= syncs.Min(sync => sync.End)))
        {
            var covered = model.Open(moment).Where(chain => chain.Effects.Any(effect => syncs.Any(sync => sync.Covers(effect)))).ToHashSet();
            foreach (var odd in covered)
            {
                yield return (moment, model.At(moment, chain => chain == odd ? Reach.Least : Reach.Most, random));
                yield return (moment, model.At(moment, chain => chain == odd ? Reach.Some : Reach.Most, random));
                yield return (moment, model.At(moment, chain => chain == odd || !covered.Contains(chain) ? Reach.Least : Reach.Most, random));
            }

            if (covered.Count > 0)
            {
                yield return (moment, model.At(moment, chain => covered.Contains(chain) ? Reach.Least : Reach.Most, random));
                yield return (moment, model.At(moment, chain => covered.Contains(chain) ? Reach.Some : Reach.Most, random));
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
        var hasAccount = state.Entries.Keys.Any(name => name.EndsWith("/tree.json", StringComparison.Ordinal));
        var force = scenario.Output is { } output && state.Entries.ContainsKey(output) && !hasAccount;
        var problem = byProgram ? RunProgram(force) : scenario.IsJournaled ? scenario.Recover(Root) : scenario.Run(Root, force);
        return problem ?? promises.BrokenAfterRecovery(DiskState.Of(Root));
    }

    private string? RunProgram(bool force)
    {
        var run = Tool.Run(scenario.IsJournaled ? scenario.RecoveryArguments(Root) : scenario.Arguments(Root, force));
        return run.ExitCode == 0 ? null : run.Error;
    }
}
