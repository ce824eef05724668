using QkvMigrate.Checkpoints;
using QkvMigrate.Verification.Merging;

namespace QkvMigrate.Verification;

/// <summary>All that may differ between two files, worked out from the first one; the second chooses but the keys of new storages.</summary>
internal sealed class ExpectedChanges
{
    private readonly Dictionary<int, string> renames = [];
    private readonly List<MovedView> moved = [];
    private readonly Dictionary<TensorEntry, MovedView> moving = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<(int Dimension, int HeadRows, DType DType, ElementView Elements), MovedView> views = [];

    private readonly IReshapedTensors? reshaped;

    private ExpectedChanges(Checkpoint original, Checkpoint upgraded, FusedChange? change, IReshapedTensors? reshaped, DifferenceLog log)
    {
        this.reshaped = reshaped;
        if (change is not null)
        {
            Rename(original, change.Fused, change.Change);
            Move(original, change, log);
        }

        if (Merged is { HoldsLora: true })
        {
            RenameMerged(original);
        }

        Storages = new ExpectedStorages(original, upgraded, moved, moving, log);
    }

    /// <summary>The new names by the place in the pickle where the old ones stand (<see cref="NameEntry.Id"/>).</summary>
    public IReadOnlyDictionary<int, string> Renames => renames;

    /// <summary>The tensors whose rows move, each view of a storage once.</summary>
    public IReadOnlyList<MovedView> Moved => moved;

    /// <summary>In which storage each tensor must have its numbers.</summary>
    public ExpectedStorages Storages { get; }

    /// <summary>The weights that a LoRA was added to, or null.</summary>
    public MergedModel? Merged => reshaped as MergedModel;

    /// <summary>A tensor of the first file as the second must describe it, apart from its name and the place of its bytes.</summary>
    public TensorEntry After(TensorEntry tensor) => reshaped?.After(tensor) ?? Storages.After(tensor) ?? tensor;

    /// <summary>The bytes that a storage of the first file has in the second, where they are compared by what they mean.</summary>
    public long? LengthAfter(StorageEntry storage) => reshaped?.LengthAfter(storage);

    /// <summary>Where a container of the first file is in the second: keys on the way to it may have other names.</summary>
    public string PathAfter(ContainerEntry container)
    {
        var steps = new Stack<string>();
        var isRenamed = false;
        for (var at = container; at.Parent is { } outer; at = outer)
        {
            var key = at.Key is { } name ? renames.GetValueOrDefault(name.Id) : null;
            isRenamed |= key is not null;
            steps.Push(key ?? (outer.Path.Length == 0 ? at.Path : at.Path[(outer.Path.Length + 1)..]));
        }

        return isRenamed ? string.Join('/', steps) : container.Path;
    }

    /// <summary>
    /// What was made of one file to get another, as the user or the names of both tell; null where both must be of the same layout,
    /// or have no fused attention.
    /// </summary>
    /// <param name="original">The first file.</param>
    /// <param name="upgraded">The second file.</param>
    /// <param name="told">What the user says; null for nothing.</param>
    /// <exception cref="MigrationException">The first file has names of several layouts.</exception>
    public static VerifiedChange? Between(Checkpoint original, Checkpoint upgraded, VerifiedChange? told)
    {
        var layouts = VerifiedLayouts.All.Where(layout => Has(original, layout)).ToList();
        return layouts switch
        {
            [] => null,
            [var layout] when told is not null => told.From == layout ? told : null,
            [var layout] => VerifiedLayouts.Changes.FirstOrDefault(change =>
                change.From == layout && (change.IsMandatory || Has(upgraded, change.To) || !Has(upgraded, layout))),
            _ => throw new MigrationException(
                FailureKind.Conflict,
                "names of both layouts stand in one file, so what an upgrade of it must be is not known",
                original.Source.Path),
        };
    }

    /// <summary>What was made of the base of a LoRA that was merged, which is today's layout in any case: null where it had that.</summary>
    /// <exception cref="MigrationException">The base has names of several layouts, or none.</exception>
    public static VerifiedChange? ByMerge(Checkpoint original)
    {
        var layouts = VerifiedLayouts.All.Where(layout => Has(original, layout)).ToList();
        return layouts is [var layout]
            ? VerifiedLayouts.Changes.FirstOrDefault(change => change.From == layout && change.To == VerifiedLayouts.Sequential)
            : throw new MigrationException(
                layouts.Count == 0 ? FailureKind.Unsupported : FailureKind.Conflict,
                layouts.Count == 0 ? "the base of the LoRA has no fused attention" : "names of both layouts stand in the base of the LoRA",
                original.Source.Path);
    }

    /// <summary>Works out what changes. What cannot be told is a difference: it is not verified.</summary>
    /// <param name="original">The first file.</param>
    /// <param name="upgraded">The second file.</param>
    /// <param name="moved">What was made of the fused tensors of the first; null where nothing changes.</param>
    /// <param name="reshaped">The matrices of its LoRA that become larger, or the weights that a LoRA was added to.</param>
    /// <param name="log">Takes what cannot be told.</param>
    public static ExpectedChanges Of(Checkpoint original, Checkpoint upgraded, FusedChange? moved, IReshapedTensors? reshaped, DifferenceLog log) =>
        new(original, upgraded, moved, reshaped, log);

    private static bool Has(Checkpoint checkpoint, VerifiedLayout layout) =>
        FusedTensors.Any(checkpoint, layout) || LeftNames.Unmoved(checkpoint, layout).Any();

    private void Rename(Checkpoint original, List<FusedEntry> fused, VerifiedChange change)
    {
        foreach (var item in fused.Where(item => item.Spread is null))
        {
            Rename(item.Tensor.Name!);
        }

        foreach (var path in fused.Select(item => item.Tensor.Container).Distinct().SelectMany(container => container.ModulePaths))
        {
            Rename(path);
        }

        foreach (var optimizer in original.Optimizers)
        {
            foreach (var parameter in optimizer.Parameters)
            {
                foreach (var name in parameter.Given is { } given ? parameter.Names.Append(given) : parameter.Names)
                {
                    Rename(name);
                }
            }
        }

        foreach (var spread in fused.Select(item => item.Spread).OfType<SpreadFusedName>())
        {
            RenameTo(spread.Place, spread.After(change));
        }

        void Rename(NameEntry name) => RenameTo(name, FusedName.After(name.Text, change));

        void RenameTo(NameEntry name, string after)
        {
            if (after != name.Text)
            {
                renames[name.Id] = after;
            }
        }
    }

    /// <summary>A merge takes the module that LoRA layers keep their weights in out of the names.</summary>
    private void RenameMerged(Checkpoint original)
    {
        foreach (var name in original.Tensors.Select(tensor => tensor.Name).OfType<NameEntry>())
        {
            var renamed = renames.GetValueOrDefault(name.Id, name.Text);
            if (MergedNames.Of(renamed) is var after && after != name.Text)
            {
                renames[name.Id] = after;
            }
        }
    }

    private void Move(Checkpoint original, FusedChange moved, DifferenceLog log)
    {
        var fused = moved.Fused;
        foreach (var item in fused)
        {
            Add(item.Tensor, item, moved, log);
        }

        var models = new Lazy<List<List<TensorEntry>>>(() => VerifiedModels.Of(original, fused));
        var kept = new OptimizerMoments(original, fused, moved.Change, models, moved.IsOptimizerInModelOrder);
        foreach (var optimizer in original.Optimizers)
        {
            if (kept.Find(optimizer) is not { } moments)
            {
                log.Add(
                    $"optimizer state '{optimizer.Path}'",
                    "which of its parameters are the fused tensors cannot be told, so their moments are not verified");
                continue;
            }

            moments.ForEach(moment => Add(moment.Moment, moment.Owner, moved, log));
        }

        if (moved.MovesRows)
        {
            new UnnamedCopies(original, fused, models, moved.Change.LeavesWords, log).Find().ForEach(copy => Add(copy.Copy, copy.Owner, moved, log));
        }
    }

    private void Add(TensorEntry tensor, FusedEntry owner, FusedChange change, DifferenceLog log)
    {
        var geometry = change.Geometry;
        if (!owner.IsKnown)
        {
            log.Add(Name(tensor), $"what its rows are is not known ('{owner.Name.Suffix}'), so it is not verified");
            return;
        }

        if (owner.Axis is not { } axis)
        {
            return;
        }

        var rows = tensor.Shape[axis.Dimension];
        var pack = axis.IsPacked && rows > 0 ? geometry.FusedRows / rows : 1;
        if (rows * pack != geometry.FusedRows || geometry.HeadSize % pack != 0)
        {
            log.Add(Name(tensor), $"it has {rows} rows, {geometry} takes {geometry.FusedRows}");
            return;
        }

        if (!change.MovesRows || tensor.ElementCount == 0 || tensor.Strides[axis.Dimension] == 0)
        {
            return;
        }

        // The same elements under two names (tied weights) move once.
        var headRows = (int)(geometry.HeadSize / pack);
        var key = (axis.Dimension, headRows, tensor.DType, ElementView.Of(tensor));
        if (!views.TryGetValue(key, out var view))
        {
            views.Add(key, view = new MovedView(tensor, axis.Dimension, headRows, geometry, change.Change));
            moved.Add(view);
        }

        if (!moving.TryAdd(tensor, view) && moving[tensor] != view)
        {
            log.Add(Name(tensor), "its rows would have to move in two ways, so it is not verified");
        }
    }

    private static string Name(TensorEntry tensor) => $"tensor '{tensor.Label}'";
}
