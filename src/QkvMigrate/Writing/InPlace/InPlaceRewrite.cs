using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;
using QkvMigrate.Reordering;

namespace QkvMigrate.Writing.InPlace;

/// <summary>
/// A file on its way to be another one in its own place, under another name and with a journal beside it. Disposing one that was not
/// committed leaves both names, for whoever recovers it.
/// </summary>
internal sealed class InPlaceRewrite : IDisposable
{
    private readonly InPlacePair pair;
    private readonly TargetLock targetLock;
    private readonly InPlaceJournal journal;
    private readonly ChangedFile file;
    private readonly InPlaceChange change;

    private InPlaceRewrite(InPlacePair pair, TargetLock targetLock, InPlaceJournal journal, SafeFileHandle handle, Func<IReorderEngine> engine, Action<long> progress, int slabBytes)
    {
        this.pair = pair;
        this.targetLock = targetLock;
        this.journal = journal;
        file = new ChangedFile(pair.Hidden, handle, journal, engine, slabBytes, progress);
        change = new InPlaceChange(file, journal);
    }

    /// <summary>The names.</summary>
    public InPlacePair Pair => pair;

    /// <summary>What the caller gave to be known again.</summary>
    public byte[] Facts => journal.Header.Facts;

    /// <summary>Steps of the change.</summary>
    public int StepCount => journal.Header.Plan.Steps.Count;

    /// <summary>Bytes of all steps.</summary>
    public long StepBytes => journal.Header.Plan.StepBytes;

    /// <summary>How far it is.</summary>
    public InPlaceState State => InPlaceState.Of(journal);

    /// <summary>Whether no step was begun.</summary>
    public bool IsUntouched => journal.Records.Count == 0;

    /// <summary>Begins: the journal is on the disk, and the file has its other name. Not one byte of it is changed.</summary>
    /// <param name="source">The file, as it was planned.</param>
    /// <param name="path">Its name, which is no link.</param>
    /// <param name="plan">What changes.</param>
    /// <param name="facts">What the caller has to know when it is recovered.</param>
    /// <param name="engine">Makes the engine that permutes rows.</param>
    /// <param name="progress">Takes bytes that were written.</param>
    /// <param name="slabBytes">Bytes that are in memory at once; tests make them few.</param>
    /// <exception cref="MigrationException">The file has other names, is being written, or changed since it was planned; or the system refuses.</exception>
    public static InPlaceRewrite Begin(
        SourceFile source, string path, InPlacePlan plan, byte[] facts, Func<IReorderEngine> engine, Action<long> progress, int slabBytes = FilePlanWriter.SlabBytes)
    {
        var names = InPlacePair.Of(path);
        var held = TargetLock.Acquire(path);
        SafeFileHandle? handle = null;
        InPlaceJournal? log = null;
        try
        {
            if (names.IsLeft)
            {
                throw names.NotThere();
            }

            handle = LoneFile.Open(path);
            source.CheckUnchanged();
            if (!FileIdentity.Of(handle).IsSameFile(FileIdentity.Of(source.Handle)))
            {
                throw new MigrationException(FailureKind.Io, "another file was put in its place while it was read", path);
            }

            log = InPlaceJournal.Create(names.Journal, new JournalHeader(Path.GetFileName(names.Path), facts, plan), handle);
            FlushFolder(names);
            HostSystem.Current.Rename(names.Path, names.Hidden, replace: true);
            FlushFolder(names);
            return new InPlaceRewrite(names, held, log, handle, engine, progress, slabBytes);
        }
        catch (Exception error)
        {
            handle?.Dispose();
            if (log is not null)
            {
                log.Dispose();
                Withdraw(names);
            }

            held.Dispose();
            throw IoFailure.IsOne(error) ? IoFailure.Of(error, path) : error;
        }
    }

    /// <summary>Takes up what a run has left; null where its file is whole, under its own name, and only that had to be tidied.</summary>
    /// <exception cref="MigrationException">The two do not belong together, one is missing or damaged, or another run is at work.</exception>
    public static InPlaceRewrite? Resume(
        InPlacePair names, Func<IReorderEngine> engine, Action<long> progress, int slabBytes = FilePlanWriter.SlabBytes)
    {
        TargetLock? held = null;
        SafeFileHandle? handle = null;
        InPlaceJournal? log = null;
        try
        {
            held = TargetLock.Acquire(names.Path);
            if (FileIdentity.OfLink(names.Journal) is null)
            {
                throw new MigrationException(FailureKind.Malformed, $"its journal {names.Journal} is missing, without which nobody knows what was changed", names.Hidden);
            }

            if (FileIdentity.OfLink(names.Hidden) is null)
            {
                // Before the first rename, or behind the last.
                Expect(FileIdentity.OfLink(names.Path) is not null, $"neither it nor {names.Hidden}, which its journal is of, is there", names.Path);
                Tidy(names);
                held.Dispose();
                return null;
            }

            log = InPlaceJournal.Open(names.Journal);
            Expect(TemporaryName.InPlaceFor(log.Header.Name) == Path.GetFileName(names.Hidden), $"it is the journal of '{log.Header.Name}'", names.Journal);
            names = names with { Path = Path.Combine(Path.GetDirectoryName(names.Path) ?? "", log.Header.Name) };
            var state = InPlaceState.Of(log);
            if (FileIdentity.OfLink(names.Path) is not null)
            {
                var isBetweenNames = FileIdentity.AreSame(names.Path, names.Hidden) && (state.IsFinished || log.Records.Count == 0);
                Expect(isBetweenNames, $"another file has its name; move one of them away: it, or {names.Hidden}", names.Path);
                log.Dispose();
                File.Delete(names.Hidden);
                Tidy(names);
                held.Dispose();
                return null;
            }

            handle = LoneFile.Open(names.Hidden);
            var rewrite = new InPlaceRewrite(names, held, log, handle, engine, progress, slabBytes);
            Expect(state.HasEnding || state.IsFinished || rewrite.file.IsBefore(), $"it is not the file that {names.Journal} was written for", names.Hidden);
            log.Renew();
            return rewrite;
        }
        catch (Exception error)
        {
            handle?.Dispose();
            log?.Dispose();
            held?.Dispose();
            throw IoFailure.IsOne(error) ? IoFailure.Of(error, names.Path) : error;
        }
    }

    /// <summary>As <see cref="InPlaceChange.GoForward"/>.</summary>
    public void GoForward(CancellationToken cancellation) => change.GoForward(cancellation);

    /// <summary>As <see cref="InPlaceChange.GoBack"/>.</summary>
    public void GoBack(CancellationToken cancellation) => change.GoBack(cancellation);

    /// <summary>The old file, once the new one is there.</summary>
    public SourceFile Old() => file.Old();

    /// <summary>Gives the file its name again, and takes the journal away.</summary>
    /// <exception cref="MigrationException">Another file has the name, or the system refuses.</exception>
    public void Commit()
    {
        if (!State.IsFinished)
        {
            journal.Append(JournalEvent.Finished, 0);
        }

        // Not every filesystem of Windows renames what is open.
        file.Dispose();
        journal.Dispose();
        Expect(FileIdentity.OfLink(pair.Path) is null, $"another file has its name; move it away, and `{pair.Command}` goes on", pair.Path);
        HostSystem.Current.Rename(pair.Hidden, pair.Path, replace: false);
        Tidy(pair);
    }

    /// <summary>Gives a file of which no step was made its name again, and takes the journal away.</summary>
    /// <exception cref="IOException">The system refuses.</exception>
    public void Abandon()
    {
        file.Dispose();
        journal.Dispose();
        HostSystem.Current.Rename(pair.Hidden, pair.Path, replace: false);
        Tidy(pair);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        file.Dispose();
        journal.Dispose();
        targetLock.Dispose();
    }

    /// <summary>Brings the name of the file to the disk, and then takes its journal away.</summary>
    private static void Tidy(InPlacePair pair)
    {
        FlushFolder(pair);
        File.Delete(pair.Journal);
        FlushFolder(pair);
    }

    /// <summary>Takes back the names of a change of which no byte is made.</summary>
    private static void Withdraw(InPlacePair pair)
    {
        try
        {
            if (FileIdentity.OfLink(pair.Path) is null)
            {
                HostSystem.Current.Rename(pair.Hidden, pair.Path, replace: false);
            }

            Tidy(pair);
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            // What failed first is told; the pair is left for whoever recovers it.
        }
    }

    private static void FlushFolder(InPlacePair pair) => HostSystem.Current.FlushFolder(Path.GetDirectoryName(Path.GetFullPath(pair.Path))!);

    private static void Expect(bool condition, string problem, string path)
    {
        if (!condition)
        {
            throw new MigrationException(FailureKind.Target, problem, path);
        }
    }
}
