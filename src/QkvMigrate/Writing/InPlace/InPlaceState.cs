namespace QkvMigrate.Writing.InPlace;

/// <summary>How far a change is, as the records of its journal say.</summary>
internal sealed class InPlaceState
{
    private InPlaceState(IReadOnlyList<JournalRecord> made, JournalRecord? turn, IReadOnlyList<JournalRecord> back, bool hasEnding, bool isFinished)
    {
        Made = made;
        Turn = turn;
        TakenBack = back;
        HasEnding = hasEnding;
        IsFinished = isFinished;
    }

    /// <summary>The steps that were begun, in order. All but the last two are surely whole.</summary>
    public IReadOnlyList<JournalRecord> Made { get; }

    /// <summary>Where the way back began; null on the way forward.</summary>
    public JournalRecord? Turn { get; }

    /// <summary>The steps whose way back was begun behind <see cref="Turn"/>, in order. All but the last two are surely whole.</summary>
    public IReadOnlyList<JournalRecord> TakenBack { get; }

    /// <summary>Whether what stands around the tensors may have been written.</summary>
    public bool HasEnding { get; }

    /// <summary>Whether the file is whole.</summary>
    public bool IsFinished { get; }

    /// <summary>The state of a journal.</summary>
    /// <exception cref="MigrationException">Its records contradict one another.</exception>
    public static InPlaceState Of(InPlaceJournal journal)
    {
        var (made, back) = (new List<JournalRecord>(), new List<JournalRecord>());
        JournalRecord? turn = null;
        var (ending, finished) = (false, false);
        var steps = journal.Header.Plan.Steps.Count;
        foreach (var record in journal.Records)
        {
            var fits = !finished && record.Event switch
            {
                JournalEvent.Forward => !ending && turn is null && record.Step == made.Count,
                JournalEvent.Ending => !ending && turn is null && made.Count == steps,
                JournalEvent.Turn => turn is null && record.Step <= made.Count,
                JournalEvent.Back => turn is { } from && record.Step == from.Step - back.Count - 1,
                _ => turn is { } from ? back.Count == from.Step : ending,
            };
            if (!fits)
            {
                throw new MigrationException(FailureKind.Malformed, $"its records contradict one another at number {record.Number}", journal.Path);
            }

            switch (record.Event)
            {
                case JournalEvent.Forward:
                    made.Add(record);
                    break;
                case JournalEvent.Back:
                    back.Add(record);
                    break;
                case JournalEvent.Turn:
                    turn = record;
                    break;
                case JournalEvent.Ending:
                    ending = true;
                    break;
                default:
                    finished = true;
                    break;
            }
        }

        return new InPlaceState(made, turn, back, ending, finished);
    }
}
