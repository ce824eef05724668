using System.Globalization;
using System.Text;
using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Trees;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Batches;

/// <summary>Deals a tree that is worked on in place to parts that run one after the other, or at once, and do not know of each other.</summary>
internal sealed class PartsAccount
{
    private readonly string path;
    private readonly bool isReadOnly;
    private readonly Shard shard;
    private readonly int first;
    private IReadOnlyList<PartUnit> found = [];

    /// <summary>The account of <paramref name="request"/> for what <paramref name="selection"/> takes of it: other runs deal by accounts of their own.</summary>
    /// <param name="request">What the user asks.</param>
    /// <param name="selection">What the user selects.</param>
    /// <param name="shard">The part.</param>
    /// <param name="isOneOfMany">
    /// Whether other trees are dealt by accounts of their own in the same run: each begins with a part that its name decides, or
    /// all directories with one checkpoint would go to the first.
    /// </param>
    public PartsAccount(MigrationRequest request, CheckpointSelection selection, Shard shard, bool isOneOfMany)
    {
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Path)));
        first = isOneOfMany ? (int)(uint.Parse(FileDigest.Of(Encoding.UTF8.GetBytes(name))[..8], NumberStyles.HexNumber, CultureInfo.InvariantCulture) % (uint)shard.Count) : 0;
        this.shard = shard;
        isReadOnly = request.DryRun;
        string[] key = [$"{request.Direction}", $"{shard.Count}", $"{selection.Include.Count}", .. selection.Include, .. selection.Exclude];
        path = Path.Combine(request.Path, $"{RecordNames.Parts}{FileDigest.Of(Encoding.UTF8.GetBytes(string.Join('\0', key)))[..16]}.json");
    }

    /// <summary>The units of this part. Those that the account knows stay where they are; new ones go to parts that have not run to their end.</summary>
    /// <exception cref="MigrationException">The account is none, or cannot be written.</exception>
    public IReadOnlySet<string> Deal(IReadOnlyList<TreeUnit> units)
    {
        found = Add(units).Units;

        // A part that has nothing needs no account, and would leave one behind where the others are through.
        if (!isReadOnly && Own().Count > 0)
        {
            DurableFile.WriteShared(path, () => Bytes(Add(units)));

            // Where the filesystem has no locks, another part may have written at the same time.
            found = (Read() ?? Add(units)).Units;
        }

        return Own();
    }

    /// <summary>Writes down what this part has done. Where nothing is left, the account goes.</summary>
    /// <param name="done">The units that it has done.</param>
    /// <param name="isWhole">Whether it ran to its end.</param>
    /// <returns>What a part was to do and has not, as far as its turn is over: of this one, or, if it is the last, of any.</returns>
    /// <exception cref="MigrationException">The account is none, or cannot be written.</exception>
    public IReadOnlyList<PartUnit> End(IReadOnlySet<string> done, bool isWhole)
    {
        var own = Own();
        if (isReadOnly || own.Count == 0 || Read() is null)
        {
            return [];
        }

        PartsRecord? ended = null;
        DurableFile.WriteShared(path, () => Bytes(ended = Read() is { } known ? Ended(known, done, isWhole) : new PartsRecord(RecordDocument.SchemaVersion, shard.Count, [], [])));
        using (TargetLock.Acquire(path, wait: true))
        {
            if (Read()?.Units.All(unit => unit.IsDone) != false)
            {
                File.Delete(path);
            }
        }

        return [.. ended!.Units.Where(unit => !unit.IsDone && !own.Contains(unit.Path) && isWhole && (unit.Part == shard.Number || ended.Units.All(other => ended.Ended.Contains(other.Part))))];
    }

    private HashSet<string> Own() => found.Where(unit => unit.Part == shard.Number).Select(unit => unit.Path).ToHashSet(StringComparer.Ordinal);

    private PartsRecord Ended(PartsRecord known, IReadOnlySet<string> done, bool isWhole) => known with
    {
        Ended = isWhole ? [.. known.Ended.Append(shard.Number).Distinct().Order()] : known.Ended,
        Units = [.. known.Units.Select(unit => done.Contains(unit.Path) ? unit with { IsDone = true } : unit)],
    };

    private PartsRecord Add(IReadOnlyList<TreeUnit> units)
    {
        var known = Read() ?? new PartsRecord(RecordDocument.SchemaVersion, shard.Count, [], []);
        var before = known.Units.ToDictionary(unit => unit.Path, StringComparer.Ordinal);
        var stay = units.Where(unit => before.ContainsKey(unit.Path)).Select(unit => before[unit.Path]).ToList();
        var open = Enumerable.Range(1, shard.Count).Except(known.Ended).Union([shard.Number]).Order();
        var loads = stay.ToLookup(unit => unit.Part);
        var added = units.Where(unit => !before.ContainsKey(unit.Path)).ToList();
        var parts = Shard.Deal(added.ConvertAll(unit => unit.Bytes), open.Select(part => (Turn(part), loads[part].Sum(unit => unit.Bytes), loads[part].Count())));
        return known with
        {
            Units = [.. stay.Concat(added.Select((unit, i) => new PartUnit(unit.Path, unit.Bytes, ((parts[i] + first) % shard.Count) + 1, IsDone: false))).OrderBy(unit => unit.Path, StringComparer.Ordinal)],
        };
    }

    /// <summary>When a part is dealt to, from 0.</summary>
    private int Turn(int part) => (part - 1 - first + shard.Count) % shard.Count;

    private PartsRecord? Read() => RecordDocument.Read(path, RecordJson.Readable.PartsRecord) switch
    {
        { } record when record.Count != shard.Count => throw RecordDocument.NoRecord(path, $"it is of {record.Count} parts"),
        var record => record,
    };

    private static byte[] Bytes(PartsRecord record) => RecordDocument.Write(record, RecordJson.Readable.PartsRecord);
}
