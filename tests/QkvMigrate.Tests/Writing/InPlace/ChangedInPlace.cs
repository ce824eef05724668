using QkvMigrate.Attention;
using QkvMigrate.Files;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Stages;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Running.InPlace;
using QkvMigrate.Tests.Running.Originals;
using QkvMigrate.Verification;
using QkvMigrate.Writing.InPlace;
using Xunit;

namespace QkvMigrate.Tests.Writing.InPlace;

/// <summary>A checkpoint that is changed in its place, in steps of one block and slabs of a few rows, and stopped at any write.</summary>
internal sealed class ChangedInPlace : IDisposable
{
    private const int SlabBytes = 128;

    private readonly MigratedFolder folder = new();
    private readonly MigrationDirection direction;
    private readonly string work;

    /// <summary>Prepares the old file and the new one, which the ordinary writer makes.</summary>
    public ChangedInPlace(string format, MigrationDirection direction)
    {
        this.direction = direction;
        var legacy = folder.Write(InPlaceModel.Bytes(format), "legacy");
        var today = folder.Migrate(MigrationDirection.Upgrade, legacy, "today");
        var (old, made) = direction == MigrationDirection.Upgrade ? (legacy, today) : (today, folder.Migrate(direction, today, "back"));
        (Old, New) = (File.ReadAllBytes(old), File.ReadAllBytes(made));
        work = folder.At("work");
        Directory.CreateDirectory(work);
    }

    /// <summary>The bytes of the old file.</summary>
    public byte[] Old { get; }

    /// <summary>The bytes of the new file.</summary>
    public byte[] New { get; }

    /// <summary>The names.</summary>
    public InPlacePair Pair => InPlacePair.Of(Path.Combine(work, "model.pth"));

    /// <summary>What stands in the folder.</summary>
    public IEnumerable<string> Names => Directory.EnumerateFileSystemEntries(work).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    /// <summary>Puts the old file there, and nothing else.</summary>
    public void Reset()
    {
        Directory.Delete(work, recursive: true);
        Directory.CreateDirectory(work);
        File.WriteAllBytes(Pair.Path, Old);
    }

    /// <summary>Changes the file, up to a write. Says whether it came to its end.</summary>
    public bool Change(int writes) => Stopped(writes, progress => Change(progress, [], change =>
    {
        change.GoForward(CancellationToken.None);
        change.Commit();
    }));

    /// <summary>Changes the file, and has it proven with a geometry.</summary>
    public void Prove(AttentionGeometry geometry)
    {
        var conversion = direction == MigrationDirection.Upgrade ? Conversion.Upgrade : Conversion.Downgrade;
        var facts = new InPlaceFacts(conversion, GeometryRecord.Of(geometry), VerificationMode.Quick, false, null);
        Change(_ => { }, facts.ToBytes(), change => InPlaceEnding.GoForward(change, facts, null, CancellationToken.None));
    }

    private void Change(Action<long> progress, byte[] facts, Action<InPlaceRewrite> finish)
    {
        var request = new MigrationRequest { Path = Pair.Path, Direction = direction, Geometry = MigratedFolder.Geometry, Engine = () => new StreamReorderEngine() };
        using var planned = Assert.IsType<PlannedCheckpoint>(new CheckpointPlanning(request).Plan(Pair.Path, []));
        var source = planned.Opened.Checkpoint.Source;
        var plan = InPlacePlanner.Of(planned.Plan.Rewrite!.Output, source, stepBytes: 1);
        Assert.InRange(plan.Steps.Count, 3, 100);
        using var change = InPlaceRewrite.Begin(source, Pair.Path, plan, facts, () => new StreamReorderEngine(), progress, SlabBytes);
        finish(change);
    }

    /// <summary>The header of the journal of a change that was stopped.</summary>
    public byte[] Header()
    {
        Reset();
        Assert.False(Change(9));
        using var journal = InPlaceJournal.Open(Pair.Journal);
        return JournalText.Of(journal.Header);
    }

    /// <summary>Recovers the file, up to a write. Says whether it came to its end.</summary>
    public bool Recover(int writes, bool isUndo) => Stopped(writes, progress =>
    {
        using var change = InPlaceRewrite.Resume(Pair, () => new StreamReorderEngine(), progress, SlabBytes);
        if (change is { State.IsFinished: false })
        {
            if (isUndo || change.State.Turn is not null)
            {
                change.GoBack(CancellationToken.None);
            }
            else
            {
                change.GoForward(CancellationToken.None);
            }
        }

        change?.Commit();
    });

    /// <summary>
    /// Does to what is left what a loss of power may do: what was written and not synced is there, is not, or is something else. That can
    /// be each step whose old bytes a slot has, what stands around the tensors once that may be written, and the slot that no record gives
    /// a hash of.
    /// </summary>
    public void Tear(Random random)
    {
        if (!File.Exists(Pair.Hidden))
        {
            return;
        }

        using var journal = InPlaceJournal.Open(Pair.Journal);
        using var file = File.OpenHandle(Pair.Hidden, FileMode.Open, FileAccess.ReadWrite);
        var state = InPlaceState.Of(journal);
        if (state.IsFinished)
        {
            return;
        }

        var unsynced = (state.Turn is null ? state.Made : state.TakenBack).TakeLast(2).Where(journal.HoldsSlot).SelectMany(record => journal.Header.Plan.Steps[record.Step].Blocks);
        IEnumerable<ByteRange> around = state is { HasEnding: true, Turn: null } ? journal.Header.Plan.Before.Ranges : [];
        foreach (var range in unsynced.Select(block => block.Range).Concat(around))
        {
            var garbage = new byte[random.Next((int)range.Length + 1)];
            random.NextBytes(garbage);
            RandomAccess.Write(file, garbage, range.Start + random.Next((int)(range.Length - garbage.Length) + 1));
        }
    }

    public void Dispose() => folder.Dispose();

    private static bool Stopped(int writes, Action<Action<long>> work)
    {
        var left = writes;
        try
        {
            work(_ =>
            {
                if (Interlocked.Decrement(ref left) < 0)
                {
                    throw new IOException("stopped");
                }
            });
            return true;
        }
        catch (IOException error) when (error.Message == "stopped")
        {
            return false;
        }
    }
}
