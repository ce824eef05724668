namespace QkvMigrate.Writing.InPlace;

/// <summary>
/// Makes the steps of a change, or takes them back, from where its journal is. This is the order of syncs: the old bytes of a step and
/// their record reach the disk, then the step's new bytes. A slot gets other bytes only when the step that used it is on the disk. So
/// at each moment the last two steps at most may be half made, and the slots have the old bytes of each that may be.
/// </summary>
/// <param name="file">The file.</param>
/// <param name="journal">Its journal.</param>
internal sealed class InPlaceChange(ChangedFile file, InPlaceJournal journal)
{
    private readonly InPlacePlan plan = journal.Header.Plan;

    /// <summary>Makes what is left, and leaves the new file on the disk.</summary>
    /// <exception cref="MigrationException">The file does not have the bytes that were written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between two steps.</exception>
    public void GoForward(CancellationToken cancellation)
    {
        var state = InPlaceState.Of(journal);
        foreach (var record in Last(state.Made))
        {
            file.Make(record);
        }

        Run(JournalEvent.Forward, Enumerable.Range(state.Made.Count, plan.Steps.Count - state.Made.Count), file.Make, cancellation);
        if (!state.HasEnding)
        {
            journal.Append(JournalEvent.Ending, plan.Steps.Count);
        }

        file.WriteAfter();
    }

    /// <summary>Takes back what was made, and leaves the old file on the disk.</summary>
    /// <exception cref="MigrationException">The file does not have the bytes that it had.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between two steps.</exception>
    public void GoBack(CancellationToken cancellation)
    {
        var state = InPlaceState.Of(journal);
        foreach (var record in Last(state.TakenBack))
        {
            TakeBack(record);
        }

        var left = state.Turn is { } turn ? turn.Step - state.TakenBack.Count : BeginBack(state);
        Run(JournalEvent.Back, Enumerable.Range(0, left).Reverse(), TakeBack, cancellation);

        void TakeBack(JournalRecord record)
        {
            file.Make(record);
            file.CheckRestored(state.Made[record.Step]);
        }
    }

    /// <summary>Gives the steps that may be half made their old bytes, and what stands around the tensors too. Says how many steps are left.</summary>
    private int BeginBack(InPlaceState state)
    {
        var left = state.Made.Count;
        foreach (var record in Enumerable.Reverse(Last(state.Made)))
        {
            file.Restore(record);
            left = record.Step;
        }

        if (state.HasEnding)
        {
            file.WriteBefore();
        }

        journal.Append(JournalEvent.Turn, left);
        return left;
    }

    /// <summary>The records of steps that may be half made, in order: the last, and the one before it where its slot is not in use again.</summary>
    private List<JournalRecord> Last(IReadOnlyList<JournalRecord> records) => [.. records.TakeLast(2).Where(journal.HoldsSlot)];

    /// <summary>Makes steps: while one is written, the bytes of the next come into the journal.</summary>
    private void Run(JournalEvent what, IEnumerable<int> steps, Action<JournalRecord> make, CancellationToken cancellation)
    {
        var making = Task.CompletedTask;
        try
        {
            foreach (var step in steps)
            {
                cancellation.ThrowIfCancellationRequested();
                var record = file.Save(what, step);
                making.GetAwaiter().GetResult();
                making = Task.Factory.StartNew(() => make(record), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            }
        }
        finally
        {
            // Nothing writes any more when this returns, however it ended.
            Task.WaitAny([making], CancellationToken.None);
        }

        making.GetAwaiter().GetResult();
    }
}
