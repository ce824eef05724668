using QkvMigrate.Files;
using QkvMigrate.Layouts;
using QkvMigrate.Trees;

namespace QkvMigrate.Running.Batches;

/// <summary>The keeper of a <see cref="TreeRecord"/>: a run adds its units to the record of the tree, or is refused.</summary>
/// <param name="account">The account.</param>
/// <param name="found">What the run found in its source.</param>
/// <param name="request">What the user asks.</param>
internal sealed class TreeAccount(OutputAccount account, CheckpointTree found, MigrationRequest request)
{
    private readonly Dictionary<string, CheckpointUnit> all = found.AllUnits.ToDictionary(unit => unit.RelativePath, StringComparer.Ordinal);
    private readonly HashSet<string> forgotten = new(StringComparer.Ordinal);

    /// <summary>The units of earlier runs that are gone and have no result, and so left the account. A killed run may have begun to write them.</summary>
    public IReadOnlyCollection<string> Forgotten => forgotten;

    /// <summary>
    /// The account with the units of <paramref name="own"/> in it. Units that an earlier run found stay, but for those that are
    /// gone and have no result.
    /// </summary>
    /// <exception cref="MigrationException">The output holds results of another source, or of the other direction.</exception>
    public TreeRecord Add(TreeRecord? known, TreeRecord own, CancellationToken cancellation)
    {
        known ??= OfEntries();
        if (known is null)
        {
            CheckChecksums();
            return own;
        }

        if (!request.Force)
        {
            Check(known, own, cancellation);
        }

        var before = known.Units.ToDictionary(unit => unit.Path, StringComparer.Ordinal);
        var units = own.Units.ToDictionary(
            unit => unit.Path,
            unit => before.TryGetValue(unit.Path, out var earlier) ? Join(earlier, unit) : unit,
            StringComparer.Ordinal);
        foreach (var unit in known.Units.Where(unit => !units.ContainsKey(unit.Path)))
        {
            if (MayBeThere(unit.Path) || account.Entries.Has(unit.Path))
            {
                units.Add(unit.Path, unit);
            }
            else
            {
                forgotten.Add(unit.Path);
            }
        }

        return own with { Units = [.. units.Values.OrderBy(unit => unit.Path, StringComparer.Ordinal)] };
    }

    /// <summary>Refuses to replace checksums that stand in an output without an account.</summary>
    private void CheckChecksums()
    {
        var isOurs = FileIdentity.OfLink(account.Folder) is not null;
        if (!request.Force && !isOurs && FileIdentity.OfLink(account.Checksums.Path) is not null)
        {
            throw new MigrationException(
                FailureKind.Target,
                "the output has checksums that are not this tool's, and its own will have this name; take them away, or --force replaces them",
                account.Checksums.Path);
        }
    }

    /// <summary>The units of the account that the source no longer has.</summary>
    public IReadOnlyList<string> Vanished() =>
        [.. account.ReadTree().Units.Select(unit => unit.Path).Where(unit => !MayBeThere(unit))];

    /// <summary>The record as the entries of the units have it, where somebody removed the record itself; null where there are none.</summary>
    private TreeRecord? OfEntries()
    {
        var entries = account.Entries.ReadAll().ToList();
        return entries.Count == 0 ? null : new TreeRecord(
            RecordDocument.SchemaVersion,
            "a source that is no longer written down",
            [.. entries.Select(entry => new TreeUnit(entry.Path, entry.Source.Sum(stamp => stamp.Bytes)))],
            Conversion: entries[0].Options.Conversion,
            IsExport: entries[0].Options.AreOfExport());
    }

    private bool MayBeThere(string unit) =>
        all.ContainsKey(unit) || found.Unreadable.Any(folder => IsIn(unit, Path.GetRelativePath(request.Path, folder.Folder)));

    private static bool IsIn(string unit, string folder) =>
        folder == "." || unit == folder || unit.StartsWith($"{folder}{Path.DirectorySeparatorChar}", StringComparison.Ordinal);

    /// <summary>A narrower run leaves out checkpoints that an earlier one was asked for.</summary>
    private TreeUnit Join(TreeUnit before, TreeUnit unit) =>
        all.TryGetValue(unit.Path, out var folder) && unit.Checkpoints is { } own && before.Checkpoints is { } earlier
        ? unit with { Checkpoints = [.. earlier.Intersect(folder.Checkpoints, StringComparer.Ordinal).Union(own, StringComparer.Ordinal).Order(StringComparer.Ordinal)] }
        : unit;

    private void Check(TreeRecord known, TreeRecord own, CancellationToken cancellation)
    {
        var conversion = known.Conversion ?? account.Entries.ReadAll().FirstOrDefault()?.Options.Conversion ?? request.Conversion;
        var root = own.Root ?? throw new MigrationException(FailureKind.Io, "the directory is not there any more", request.Path);
        var isSame = known.Root?.IsSameAs(root) ?? Path.GetFullPath(known.Source) == root.Path;
        if (conversion != request.Conversion || known.IsExport != own.IsExport || !(isSame || HasSameContent(cancellation)))
        {
            throw new MigrationException(
                FailureKind.Target,
                $"the output holds the {Word(conversion, known)} of {known.Root?.Path ?? known.Source}, and this would be the "
                + $"{Word(request.Conversion, own)} of {root.Path}; name another output, or --force replaces its results",
                request.Output ?? own.Source);
        }
    }

    private static string Word(Conversion conversion, TreeRecord tree) => tree.IsExport ? "export" : conversion.Name;

    /// <summary>
    /// Whether every checkpoint that has a result is in this source too, by size and ends: then the tree was copied, or is mounted
    /// elsewhere on another machine.
    /// </summary>
    private bool HasSameContent(CancellationToken cancellation)
    {
        var checkpoints = account.Entries
            .ReadAll()
            .SelectMany(entry => entry.Checkpoints().Select(stamp => (Folder: Path.Combine(request.Path, entry.Path), Stamp: stamp)))
            .ToList();
        return checkpoints.Count > 0 && checkpoints.TrueForAll(checkpoint => checkpoint.Stamp.HasSameEndsIn(checkpoint.Folder, cancellation));
    }
}
