using System.Runtime.ExceptionServices;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Reordering;
using QkvMigrate.Trees;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Batches;

/// <summary>Goes through the units of several paths, some at a time.</summary>
internal sealed class Batch(BatchOptions options, CancellationToken cancellation)
{
    /// <summary>Up to this size a unit is small: the disk takes its bytes in less time than it takes to be sure of them.</summary>
    private const long SmallBytes = 1 << 20;

    /// <summary>Units that are begun at a time where they are small, and descriptors are not few.</summary>
    private const int MostTogether = 32;

    /// <summary>Descriptors that such a unit has open while it waits: its files, their sources, two locks, records.</summary>
    private const int DescriptorsOfUnit = 12;

    /// <summary>Descriptors that the runtime and the program have open beside.</summary>
    private const int OtherDescriptors = 80;

    private static readonly IEqualityComparer<BatchUnit> ByReference = ReferenceEqualityComparer.Instance;

    private readonly List<PathWork> works = [];
    private readonly List<BatchPath> paths = [];
    private readonly List<CheckpointReport> failures = [];
    private readonly ShardOwners shardOwners = new();

    /// <summary>Adds what <paramref name="request"/> finds.</summary>
    /// <exception cref="MigrationException">The path as a whole is of no use.</exception>
    public void Add(MigrationRequest request)
    {
        var work = PathWork.Find(WithOwnEngine(request), options.Selection, cancellation);
        works.Add(work);
        paths.Add(new BatchPath(work, null));
    }

    /// <summary>Adds what <paramref name="request"/> finds, or that it is of no use.</summary>
    public void TryAdd(MigrationRequest request)
    {
        try
        {
            Add(request);
        }
        catch (MigrationException error) when (error.Kind != FailureKind.Usage)
        {
            paths.Add(new BatchPath(null, CheckpointReport.Of(request.Path, error)));
        }
    }

    /// <summary>Does this run's part of the work, and returns its reports in the order in which the units were added.</summary>
    public IReadOnlyList<CheckpointReport> Run()
    {
        var skipped = Overlaps.Of(works);
        var taken = works.FindAll(work => !skipped.ContainsKey(work));
        var begun = new HashSet<PathWork>();
        foreach (var work in taken)
        {
            if (Try(work, () => work.Begin(cancellation)))
            {
                begun.Add(work);
            }
        }

        var units = paths.SelectMany(path => UnitsOf(path, skipped)).ToList();
        var workOf = taken.SelectMany(work => work.Units.Select(unit => (unit, work))).ToDictionary(pair => pair.unit, pair => pair.work, ByReference);
        var own = OwnUnits(units, begun, workOf);
        options.Observer?.Begin(own.Count, own.Sum(unit => unit.Bytes));
        var reports = new IReadOnlyList<CheckpointReport>?[own.Count];
        RunAll(own, (unit, i) => reports[i] = Run(unit));

        var done = own.Where((unit, i) => workOf.ContainsKey(unit) && reports[i]?.All(report => report.Error is null) == true).ToLookup(unit => workOf[unit]);
        var isWhole = Array.TrueForAll(reports, report => report is not null) && !cancellation.IsCancellationRequested;
        foreach (var work in works.Where(begun.Contains))
        {
            Try(work, () => failures.AddRange([.. work.EndPart(done[work], isWhole), .. work.End(cancellation)]));
        }

        // What is finished is not opened again, and what a killed run has left beside it would stay.
        foreach (var folder in works.Where(work => begun.Contains(work) && work.IsWriting).SelectMany(work => work.Written).Distinct(StringComparer.Ordinal))
        {
            TargetLock.SweepFolder(folder);
        }

        return [.. reports.OfType<IReadOnlyList<CheckpointReport>>().SelectMany(report => report).Select(WithRecovery), .. failures];
    }

    /// <summary>The report of a checkpoint that was recovered first says so; where nothing more was to do, that is what was done.</summary>
    private CheckpointReport WithRecovery(CheckpointReport report) =>
        works.Select(work => work.Recovered.GetValueOrDefault(report.Path)).OfType<Advice>().FirstOrDefault() is not { } recovered ? report
        : report with
        {
            Status = report.Status == CheckpointStatus.Unchanged ? CheckpointStatus.Recovered : report.Status,
            Advice = [recovered, .. report.Advice],
        };

    /// <summary>The units of a path; one that has its report already, where there is no work on it.</summary>
    private static IEnumerable<BatchUnit> UnitsOf(BatchPath path, IReadOnlyDictionary<PathWork, CheckpointReport> skipped)
    {
        if (path.Work is not { } work)
        {
            return path.Report is { } failure ? [Finished(failure)] : [];
        }

        return skipped.TryGetValue(work, out var report) ? [Finished(report)] : work.Units;
    }

    /// <summary>A unit that has its report already.</summary>
    private static BatchUnit Finished(CheckpointReport report) => new(report.Path, 0, _ => [report]);

    /// <summary>The request with one engine and one updater for all of its files.</summary>
    private MigrationRequest WithOwnEngine(MigrationRequest request) => request with
    {
        Engine = new Lazily<IReorderEngine>(request.Engine).Get,
        LowRankUpdater = request.LowRankUpdater is { } updater ? new Lazily<ILowRankUpdater>(updater).Get : null,
        ShardOwners = shardOwners,
    };

    /// <summary>Does what concerns the output of a path as a whole. Where that fails, the path gets a report of its own.</summary>
    private bool Try(PathWork work, Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (MigrationException error)
        {
            failures.Add(CheckpointReport.Of(work.Path, error));
            return false;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // What was done is reported all the same.
            return false;
        }
    }

    /// <summary>The units that this run works on, in the order in which they were added.</summary>
    private List<BatchUnit> OwnUnits(List<BatchUnit> units, HashSet<PathWork> begun, Dictionary<BatchUnit, PathWork> workOf)
    {
        var dealt = options.Part is { } part ? Dealt(part, units, begun, workOf) : null;
        return units.FindAll(unit =>
            (dealt is null || dealt.Contains(unit))
            && (!workOf.TryGetValue(unit, out var work) || begun.Contains(work)));
    }

    /// <summary>The units of one part of the work. Paths that deal themselves add their own.</summary>
    private HashSet<BatchUnit> Dealt(WorkPart part, List<BatchUnit> units, HashSet<PathWork> begun, Dictionary<BatchUnit, PathWork> workOf)
    {
        var together = units.FindAll(unit => !(workOf.TryGetValue(unit, out var work) && work.DealsItself));
        var parts = WorkPart.Deal(together.ConvertAll(unit => unit.Weight), part.Count);
        var own = together.Where((_, i) => parts[i] == part.Number).ToHashSet(ByReference);
        var isOneOfMany = works.Count(work => work.DealsItself) > 1;
        foreach (var work in works.Where(work => work.DealsItself && begun.Contains(work)))
        {
            Try(work, () => own.UnionWith(work.Deal(part, isOneOfMany)));
        }

        return own;
    }

    private IReadOnlyList<CheckpointReport> Run(BatchUnit unit)
    {
        options.Observer?.Started(unit.Path, unit.Bytes);
        IReadOnlyList<CheckpointReport> reports;
        try
        {
            reports = unit.Run(cancellation);
        }
        catch (MigrationException error) when (error.Kind != FailureKind.Usage)
        {
            reports = [CheckpointReport.Of(unit.Path, error)];
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            // A lack of descriptors shows wherever the next file is opened.
            reports = [CheckpointReport.Of(unit.Path, IoFailure.Of(error, unit.Path))];
        }
        catch (Exception error) when (error.GetBaseException() is OutOfMemoryException)
        {
            // What the runtime says, too, where a thread cannot be started: for lack of descriptors, or under a limit on processes.
            var failure = new MigrationException(FailureKind.Io, "the system grants no more memory, threads or descriptors", unit.Path, inner: error);
            reports = [CheckpointReport.Of(unit.Path, failure)];
        }

        options.Observer?.Finished(unit.Path, reports);
        return options.KeepPlans ? reports : [.. reports.Select(report => report with { Plan = null, Globals = [] })];
    }

    /// <summary>
    /// Calls <paramref name="work"/> with each unit and its number, by threads that take the next one each, until all are done or one
    /// fails. About as many as there are jobs compute at a time. Small units are mostly spent waiting for the disk: there more are begun, and
    /// wait together.
    /// </summary>
    private void RunAll(List<BatchUnit> units, Action<BatchUnit, int> work)
    {
        var jobs = Math.Clamp(options.Jobs, 1, Math.Max(1, units.Count));
        var group = new SyncGroup(jobs);
        var small = units.Count(unit => unit.Bytes <= SmallBytes);
        var together = (int)Math.Clamp((HostSystem.Current.MostOpenFiles - OtherDescriptors) / DescriptorsOfUnit, 0, MostTogether);
        var isTogether = Math.Min(small, together) >= FilesystemSyncs.Fewest;
        var next = -1;
        ExceptionDispatchInfo? failure = null;
        void Work(int thread)
        {
            while (!IsEnded() && Interlocked.Increment(ref next) is var number && number < units.Count)
            {
                if (isTogether && units[number].Bytes <= SmallBytes)
                {
                    group.Run(() => TryWork(number));
                }
                else
                {
                    group.RunAlone(() => TryWork(number));
                }
            }
        }

        bool IsEnded() => cancellation.IsCancellationRequested || Volatile.Read(ref failure) is not null;

        void TryWork(int number)
        {
            // It may have ended while this waited for its turn.
            if (IsEnded())
            {
                return;
            }

            try
            {
                work(units[number], number);
            }
            catch (Exception error)
            {
                Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(error), null);
            }
        }

        Workers.Run(isTogether ? Math.Max(jobs, Math.Min(together, units.Count)) : jobs, Work);
        failure?.Throw();
    }

    /// <summary>A path that the user named: the work on it, or the report that says why there is none.</summary>
    private sealed record BatchPath(PathWork? Work, CheckpointReport? Report);
}
