using QkvMigrate.Pickling;

namespace QkvMigrate.Verification;

/// <summary>
/// Holds two pickles against each other, opcode by opcode. Only names that change may differ. Picklers write a string
/// once and fetch it from the memo afterwards, so a name that changes while the same string elsewhere stays (or the
/// other way round) may be a literal where it was fetched, or be fetched where it was a literal.
/// </summary>
internal sealed class PickleComparison
{
    private readonly int protocol;
    private readonly PickleReader originalReader;
    private readonly PickleReader upgradedReader;
    private readonly Dictionary<int, PickleString> originalStrings;
    private readonly Dictionary<int, PickleString> upgradedStrings;
    private readonly HashSet<int> originalFrameEnds;
    private readonly HashSet<int> upgradedFrameEnds;
    private readonly Dictionary<int, int> literals = [];
    private readonly IReadOnlyDictionary<int, string> renames;
    private readonly IReadOnlyDictionary<int, long> numbers;
    private readonly long start;
    private readonly DifferenceLog log;

    private PickleComparison(
        PickleScript original,
        PickleScript upgraded,
        IReadOnlyDictionary<int, string> renames,
        IReadOnlyDictionary<int, long> numbers,
        long start,
        DifferenceLog log)
    {
        protocol = original.Protocol;
        originalReader = new PickleReader(original.Bytes);
        upgradedReader = new PickleReader(upgraded.Bytes);
        originalStrings = Uses(original);
        upgradedStrings = Uses(upgraded);
        originalFrameEnds = [.. original.Frames.Select(frame => frame.End)];
        upgradedFrameEnds = [.. upgraded.Frames.Select(frame => frame.End)];
        this.renames = renames;
        this.numbers = numbers;
        this.start = start;
        this.log = log;
    }

    /// <summary>Compares the pickles.</summary>
    /// <param name="original">The first file's.</param>
    /// <param name="upgraded">The second file's.</param>
    /// <param name="renames">New texts by the instruction of the first pickle that pushes the name.</param>
    /// <param name="numbers">New ints by the instruction of the first pickle that pushes the old one.</param>
    /// <param name="start">Where the second pickle starts in its file.</param>
    /// <param name="log">Takes the differences.</param>
    /// <param name="proofs">Takes what was compared.</param>
    public static void Compare(
        PickleScript original,
        PickleScript upgraded,
        IReadOnlyDictionary<int, string> renames,
        IReadOnlyDictionary<int, long> numbers,
        long start,
        DifferenceLog log,
        ProofLog proofs)
    {
        var count = new PickleComparison(original, upgraded, renames, numbers, start, log).Run();
        proofs.Cover("pickle", $"{count} instructions, one by one");
    }

    /// <summary>Every instruction that pushes a string: literals, and fetches from the memo.</summary>
    private static Dictionary<int, PickleString> Uses(PickleScript script)
    {
        var uses = new Dictionary<int, PickleString>(script.Strings.Count + script.Strings.Sum(literal => literal.Gets?.Count ?? 0));
        foreach (var literal in script.Strings)
        {
            uses[literal.Offset] = literal;
            foreach (var get in literal.Gets ?? [])
            {
                uses[get] = literal;
            }
        }

        return uses;
    }

    /// <summary>Compares instruction by instruction. Returns how many pairs there were.</summary>
    private int Run()
    {
        var count = 0;
        PickleInstruction before, after;
        var (left, right) = (0, 0);
        do
        {
            before = originalReader.Read(left);
            after = upgradedReader.Read(right);
            count++;
            if (!Compare(before, after))
            {
                return count;
            }

            (left, right) = (before.End, after.End);
        }
        while (before.Opcode != PickleOpcode.Stop);
        if (!Beyond(originalFrameEnds, left).SetEquals(Beyond(upgradedFrameEnds, right)))
        {
            Add(after, "a frame ends at another place behind the pickle");
        }

        return count;
    }

    /// <summary>How far behind STOP frames end: no instruction is there to compare them at, but readers take in a frame whole.</summary>
    private static HashSet<int> Beyond(HashSet<int> frameEnds, int end) => [.. frameEnds.Where(frame => frame >= end).Select(frame => frame - end)];

    /// <summary>Compares one pair; false where what follows cannot be told to belong together.</summary>
    private bool Compare(in PickleInstruction before, in PickleInstruction after)
    {
        if (originalFrameEnds.Contains(before.Offset) != upgradedFrameEnds.Contains(after.Offset))
        {
            Add(after, "a frame ends at another instruction");
        }

        var text = originalStrings.GetValueOrDefault(before.Offset);
        if (text is not null && upgradedStrings.TryGetValue(after.Offset, out var found))
        {
            CompareStrings(before, text, after, found);
            return true;
        }

        if (numbers.TryGetValue(before.Offset, out var number))
        {
            CompareNumber(number, before, after);
            return true;
        }

        // The length of a frame follows its contents; where it ends was compared above.
        var isSame = before.Opcode == after.Opcode
            && (before.Opcode == PickleOpcode.Frame || SameBytes(before, after));
        if (!isSame)
        {
            Add(after, before.Opcode == after.Opcode ? $"{after.Opcode} with another argument" : $"{after.Opcode}, expected {before.Opcode}");
        }

        return before.Opcode == after.Opcode;
    }

    /// <summary>An int takes another opcode where it becomes larger or smaller than the old one's bytes can say.</summary>
    private void CompareNumber(long expected, in PickleInstruction before, in PickleInstruction after)
    {
        if (!IsInteger(after.Opcode) || PickleNumbers.Read(after, upgradedReader.Argument(after)) is not PickleInteger { Value: var found } || found != expected)
        {
            Add(after, $"{after.Opcode} is not the int {expected}");
        }
        else if (!SameBytes(before, after) && !PickleForms.IsInteger(after, upgradedReader.Argument(after), expected, protocol))
        {
            Add(after, $"the int {expected} is written as {after.Opcode}, as no pickler of protocol {protocol} writes it");
        }
    }

    private void CompareStrings(in PickleInstruction before, PickleString text, in PickleInstruction after, PickleString found)
    {
        var expected = renames.GetValueOrDefault(before.Offset, text.Text);
        if (found.Text != expected)
        {
            Add(after, $"'{found.Text}', expected '{expected}'");
            return;
        }

        var (wasLiteral, isLiteral) = (text.Offset == before.Offset, found.Offset == after.Offset);
        if (wasLiteral && isLiteral)
        {
            literals[after.Offset] = before.Offset;
        }

        var isAllowed = (wasLiteral, isLiteral) switch
        {
            (true, true) => expected == text.Text ? SameBytes(before, after) : IsForm(before, after),
            (false, false) => SameBytes(before, after),
            (false, true) => renames.GetValueOrDefault(text.Offset, text.Text) != expected
                && found.MemoSlot < 0
                && IsForm(originalReader.Read(text.Offset), after),
            (true, false) => text.MemoSlot < 0
                && literals.TryGetValue(found.Offset, out var fetched)
                && (renames.ContainsKey(before.Offset) || renames.ContainsKey(fetched))
                && PickleForms.IsFetch(after, upgradedReader.Argument(after), found.MemoSlot, IsLine(found)),
        };
        if (!isAllowed)
        {
            Add(after, $"'{found.Text}' is written as {after.Opcode}, which its {before.Opcode} in the first file does not explain");
        }
    }

    private bool SameBytes(in PickleInstruction before, in PickleInstruction after) =>
        before.Opcode == after.Opcode
        && before.End - before.Offset == after.End - after.Offset
        && originalReader.Argument(before).SequenceEqual(upgradedReader.Argument(after));

    private bool IsForm(in PickleInstruction before, in PickleInstruction after) =>
        PickleForms.IsText(before, originalReader.Argument(before), after, upgradedReader.Argument(after), protocol);

    private bool IsLine(PickleString literal) => upgradedReader.Read(literal.MemoizedAt).Opcode == PickleOpcode.Put;

    private static bool IsInteger(PickleOpcode opcode) => opcode is
        PickleOpcode.BinInt1 or PickleOpcode.BinInt2 or PickleOpcode.BinInt or PickleOpcode.Int
        or PickleOpcode.Long or PickleOpcode.Long1 or PickleOpcode.Long4;

    private void Add(in PickleInstruction after, string problem) => log.Add("pickle", problem, start + after.Offset);
}
