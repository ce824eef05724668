using System.Globalization;
using System.Text;
using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Trees;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Batches;

/// <summary>
/// The keeper of a <see cref="PartsRecord"/>: it deals a tree that is worked on in place to parts. The parts may run one after
/// the other, or at once, and know of each other by this record alone.
/// </summary>
internal sealed class PartsAccount
{
    private const int DigestDigits = 16;

    private readonly string path;
    private readonly bool isReadOnly;
    private readonly WorkPart own;
    private readonly int first;
    private IReadOnlyList<PartUnit> found = [];

    /// <summary>
    /// The account of <paramref name="request"/> for what <paramref name="selection"/> takes of it: other runs deal by accounts
    /// of their own.
    /// </summary>
    /// <param name="request">What the user asks.</param>
    /// <param name="selection">What the user selects.</param>
    /// <param name="own">The part that this run does.</param>
    /// <param name="isOneOfMany">
    /// Whether other trees are dealt by accounts of their own in the same run. Each of them then begins with a part that its name
    /// decides; otherwise all directories with one checkpoint would go to the first part.
    /// </param>
    public PartsAccount(MigrationRequest request, CheckpointSelection selection, WorkPart own, bool isOneOfMany)
    {
        this.own = own;
        isReadOnly = request.DryRun;
        first = isOneOfMany ? FirstOf(request.Path) : 0;
        string[] key = [$"{request.Direction}", $"{own.Count}", $"{selection.Include.Count}", .. selection.Include, .. selection.Exclude];
        var digest = FileDigest.Of(Encoding.UTF8.GetBytes(string.Join('\0', key)));
        path = Path.Combine(request.Path, $"{RecordNames.Parts}{digest[..DigestDigits]}.json");
    }

    /// <summary>The units of this part. Those that the record has stay with their part; new ones go to parts that have not run to their end.</summary>
    /// <exception cref="MigrationException">The record cannot be read or written.</exception>
    public IReadOnlySet<string> Deal(IReadOnlyList<TreeUnit> units)
    {
        found = Add(units).Units;

        // A part without units needs no record, and would leave one behind where the others are through.
        if (!isReadOnly && OwnUnits().Count > 0)
        {
            DurableFile.WriteShared(path, () => Bytes(Add(units)));

            // Where the filesystem has no locks, another part may have written at the same time.
            found = (Read() ?? Add(units)).Units;
        }

        return OwnUnits();
    }

    /// <summary>Writes down what this part has done. The record goes when no unit is left.</summary>
    /// <param name="done">The units that this part has done.</param>
    /// <param name="isWhole">Whether it ran to its end.</param>
    /// <returns>The units that parts whose turn is over have not done: those of this part, and of all parts where it is the last.</returns>
    /// <exception cref="MigrationException">The record cannot be read or written.</exception>
    public IReadOnlyList<PartUnit> End(IReadOnlySet<string> done, bool isWhole)
    {
        var mine = OwnUnits();
        if (isReadOnly || mine.Count == 0 || Read() is null)
        {
            return [];
        }

        var ended = Empty;
        DurableFile.WriteShared(path, () =>
        {
            ended = Read() is { } known ? Ended(known, done, isWhole) : Empty;
            return Bytes(ended);
        });
        RemoveWhereDone();
        if (!isWhole)
        {
            return [];
        }

        var isLast = ended.Units.All(unit => ended.Ended.Contains(unit.Part));
        return [.. ended.Units.Where(unit => !unit.IsDone && !mine.Contains(unit.Path) && (isLast || unit.Part == own.Number))];
    }

    private PartsRecord Empty => new(RecordDocument.SchemaVersion, own.Count, [], []);

    /// <summary>The part, from 0, that a tree's name decides.</summary>
    private int FirstOf(string tree)
    {
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(tree)));
        var digest = FileDigest.Of(Encoding.UTF8.GetBytes(name));
        var number = uint.Parse(digest[..8], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (int)(number % (uint)own.Count);
    }

    private HashSet<string> OwnUnits() =>
        found.Where(unit => unit.Part == own.Number).Select(unit => unit.Path).ToHashSet(StringComparer.Ordinal);

    private PartsRecord Ended(PartsRecord known, IReadOnlySet<string> done, bool isWhole) => known with
    {
        Ended = isWhole ? [.. known.Ended.Append(own.Number).Distinct().Order()] : known.Ended,
        Units = [.. known.Units.Select(unit => done.Contains(unit.Path) ? unit with { IsDone = true } : unit)],
    };

    private void RemoveWhereDone()
    {
        using (TargetLock.Acquire(path, wait: true))
        {
            if (Read()?.Units.All(unit => unit.IsDone) != false)
            {
                File.Delete(path);
            }
        }
    }

    private PartsRecord Add(IReadOnlyList<TreeUnit> units)
    {
        var known = Read() ?? Empty;
        var before = known.Units.ToDictionary(unit => unit.Path, StringComparer.Ordinal);
        var stay = units.Where(unit => before.ContainsKey(unit.Path)).Select(unit => before[unit.Path]).ToList();
        var added = units.Where(unit => !before.ContainsKey(unit.Path)).ToList();
        var all = stay.Concat(DealNew(added, stay, known.Ended));
        return known with { Units = [.. all.OrderBy(unit => unit.Path, StringComparer.Ordinal)] };
    }

    /// <summary>Deals new units to the parts that are open, each with what it has already.</summary>
    private IEnumerable<PartUnit> DealNew(List<TreeUnit> units, List<PartUnit> stay, IReadOnlyList<int> ended)
    {
        var open = Enumerable.Range(1, own.Count).Except(ended).Union([own.Number]).Order();
        var loads = stay.ToLookup(unit => unit.Part);
        var turns = WorkPart.Deal(
            units.ConvertAll(unit => unit.Bytes),
            open.Select(part => (Turn(part), loads[part].Sum(unit => unit.Bytes), loads[part].Count())));
        return units.Select((unit, i) => new PartUnit(unit.Path, unit.Bytes, PartAt(turns[i]), IsDone: false));
    }

    /// <summary>When a part is dealt to, from 0.</summary>
    private int Turn(int part) => (part - 1 - first + own.Count) % own.Count;

    /// <summary>The part that is dealt to at a turn: the inverse of <see cref="Turn"/>.</summary>
    private int PartAt(int turn) => ((turn + first) % own.Count) + 1;

    private PartsRecord? Read() => RecordDocument.Read(path, RecordJson.Readable.PartsRecord) switch
    {
        { } record when record.Count != own.Count => throw RecordDocument.NoRecord(path, $"it is of {record.Count} parts"),
        var record => record,
    };

    private static byte[] Bytes(PartsRecord record) => RecordDocument.Write(record, RecordJson.Readable.PartsRecord);
}
