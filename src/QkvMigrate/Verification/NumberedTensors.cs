using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>The tensors of a file that have numbers in place of names, by sequences, in the order of their numbers.</summary>
internal sealed class NumberedTensors
{
    /// <summary>Digits to which numbers are filled up, so that they sort as text.</summary>
    private const int NumberDigits = 20;

    private readonly Checkpoint file;
    private readonly Lazy<Dictionary<ContainerEntry, List<TensorEntry>>> inContainers;
    private readonly Lazy<Dictionary<NumberSequence, List<TensorEntry>>> underKeys;

    /// <summary>Prepares for a file.</summary>
    public NumberedTensors(Checkpoint file)
    {
        this.file = file;
        inContainers = new(FindInContainers);
        underKeys = new(FindUnderKeys);
    }

    /// <summary>The tensors of a sequence of <see cref="TensorNumbers.SequencesOf"/>.</summary>
    public List<TensorEntry> Of(NumberSequence sequence)
    {
        if (sequence.Key.Length == 0)
        {
            return inContainers.Value[sequence.Container];
        }

        var start = sequence.Key.Length + 1;
        return [.. underKeys.Value[sequence].OrderBy(member => Sortable(member.Name is { Text: var key } ? key[start..] : ""), StringComparer.Ordinal)];
    }

    private static string Sortable(string numbers) => string.Concat(numbers.Split('.').Select(number => number.PadLeft(NumberDigits, '0')));

    private Dictionary<NumberSequence, List<TensorEntry>> FindUnderKeys()
    {
        var pairs = from tensor in file.Tensors
                    where tensor.ElementCount > 1 && tensor.Name is not null
                    from sequence in TensorNumbers.SequencesOf(tensor)
                    where sequence.Key.Length > 0
                    select (sequence, tensor);
        return pairs.GroupBy(pair => pair.sequence, pair => pair.tensor).ToDictionary(group => group.Key, group => group.ToList());
    }

    /// <summary>The tensors in each container that something unnamed may be in, at any depth.</summary>
    private Dictionary<ContainerEntry, List<TensorEntry>> FindInContainers()
    {
        var wanted = file.Tensors.Where(TensorNumbers.IsUnnamed).SelectMany(TensorNumbers.SequencesOf).Select(sequence => sequence.Container).ToHashSet();
        var all = new Dictionary<ContainerEntry, List<TensorEntry>>();
        foreach (var tensor in file.Tensors.Where(tensor => tensor.ElementCount > 1))
        {
            var at = (ContainerEntry?)tensor.Container;
            for (var i = 0; i <= TensorNumbers.Around && at is not null; i++, at = at.Parent)
            {
                if (wanted.Contains(at))
                {
                    (all.TryGetValue(at, out var list) ? list : all[at] = []).Add(tensor);
                }
            }
        }

        return all;
    }
}
