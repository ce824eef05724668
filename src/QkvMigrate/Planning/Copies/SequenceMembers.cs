using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Copies;

/// <summary>Finds the tensors of sequences without names.</summary>
internal sealed class SequenceMembers(Checkpoint checkpoint)
{
    private readonly Dictionary<ContainerEntry, (int First, int End)> ranges = [];
    private ILookup<(ContainerEntry, string), TensorEntry>? keyed;

    /// <summary>The tensors of a sequence that have more than one element: single numbers are counters.</summary>
    public List<TensorEntry> Of(UnnamedSequence sequence)
    {
        if (sequence.Key.Length == 0)
        {
            var (first, end) = ranges[sequence.Container];
            return [.. Enumerable.Range(first, end - first).Select(i => checkpoint.Tensors[i]).Where(tensor => tensor.ElementCount > 1)];
        }

        keyed ??= checkpoint.Tensors.Where(tensor => tensor.ElementCount > 1 && tensor.Name is not null)
            .SelectMany(tensor => UnnamedTensors.Around(tensor).Where(around => around.Key.Length > 0).Select(around => (around, tensor)))
            .ToLookup(pair => (pair.around.Container, pair.around.Key), pair => pair.tensor);
        return
        [
            .. keyed[(sequence.Container, sequence.Key)].Named()
                .OrderBy(named => Sortable(named.Name[(sequence.Key.Length + 1)..]), StringComparer.Ordinal)
                .Select(named => named.Tensor),
        ];
    }

    /// <summary>Numbers with dots between them, in a form whose order as a text is that of the numbers.</summary>
    private static string Sortable(string numbers) => string.Join('.', numbers.Split('.').Select(part => part.PadLeft(20, '0')));

    /// <summary>Finds the range of tensors of each container around <paramref name="open"/>: the tensors within a container follow one another.</summary>
    public void Prepare(List<TensorEntry> open)
    {
        if (open.Count == 0)
        {
            return;
        }

        var wanted = open.SelectMany(UnnamedTensors.Around).Select(sequence => sequence.Container).ToHashSet();
        var all = checkpoint.Tensors;
        for (int first = 0, end; first < all.Count; first = end)
        {
            for (end = first + 1; end < all.Count && all[end].Container == all[first].Container;)
            {
                end++;
            }

            foreach (var container in UnnamedTensors.Outwards(all[first].Container).Where(wanted.Contains))
            {
                ranges[container] = (ranges.TryGetValue(container, out var known) ? known.First : first, end);
            }
        }
    }
}
