using QkvMigrate.Pickling;

namespace QkvMigrate.Verification;

/// <summary>
/// Holds two pickles against each other, opcode by opcode. Only names that change may differ, and the numbers of tensors
/// that do. Picklers write a string once and fetch it from the memo afterwards, so a name that changes while the same string
/// elsewhere stays (or the other way round) may be a literal where it was fetched, or be fetched where it was a literal. A
/// tensor is written once, too: where only some of its places get another storage, the others have a copy.
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
    private readonly ExpectedPickle expected;
    private readonly long start;
    private readonly DifferenceLog log;

    private PickleComparison(
        PickleScript original,
        PickleScript upgraded,
        ExpectedPickle expected,
        long start,
        DifferenceLog log)
    {
        originalReader = new PickleReader(original.Bytes);
        upgradedReader = new PickleReader(upgraded.Bytes);
        originalStrings = Uses(original);
        upgradedStrings = Uses(upgraded);
        originalFrameEnds = [.. original.Frames.Select(frame => frame.End)];
        upgradedFrameEnds = [.. upgraded.Frames.Select(frame => frame.End)];
        protocol = original.Protocol;
        this.expected = expected;
        this.start = start;
        this.log = log;
    }

    /// <summary>Compares the pickles.</summary>
    /// <param name="original">The first file's.</param>
    /// <param name="upgraded">The second file's.</param>
    /// <param name="expected">What the second pickle may have other than the first.</param>
    /// <param name="start">Where the second pickle starts in its file.</param>
    /// <param name="log">Takes the differences.</param>
    /// <param name="proofs">Takes what was compared.</param>
    public static void Compare(
        PickleScript original,
        PickleScript upgraded,
        ExpectedPickle expected,
        long start,
        DifferenceLog log,
        ProofLog proofs)
    {
        var count = new PickleComparison(original, upgraded, expected, start, log).Run();
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
            if (expected.Copies.TryGetValue(left, out var copy))
            {
                if (CompareCopy(copy, before, after) is not { } end)
                {
                    return count;
                }

                (left, right) = (before.End, end);
                continue;
            }

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

    /// <summary>Compares a tensor that is made once more with what made it first. Returns where it ends, or null where it is another value.</summary>
    private int? CompareCopy(ExpectedCopy copy, in PickleInstruction fetch, PickleInstruction after)
    {
        var isFirst = true;
        for (var left = copy.Start; left < copy.End;)
        {
            var before = originalReader.Read(left);
            left = before.End;
            if (before.Opcode == PickleOpcode.Frame || PickleMemoCode.IsPut(before.Opcode))
            {
                continue;
            }

            if (!isFirst)
            {
                after = upgradedReader.Read(after.End);
            }

            // A frame that ends before the copy ends before the fetch that it stands for, too; within it none may.
            if ((isFirst && originalFrameEnds.Contains(fetch.Offset)) != upgradedFrameEnds.Contains(after.Offset) || !IsCopy(copy, before, after))
            {
                Add(after, $"{after.Opcode} is not the copy's of a tensor that gets a storage of its own in one of its places");
                return null;
            }

            isFirst = false;
        }

        return after.End;
    }

    private bool IsCopy(ExpectedInstructions copy, in PickleInstruction before, in PickleInstruction after)
    {
        if (copy.Texts.TryGetValue(before.Offset, out var text))
        {
            // Always written out: the memo may have another text after the first place was changed.
            var literal = originalReader.Read(originalStrings[before.Offset].Offset);
            return IsForm(literal, after) && upgradedStrings.GetValueOrDefault(after.Offset) is { MemoSlot: < 0 } found && found.Text == text;
        }

        return copy.Numbers.TryGetValue(before.Offset, out var number) ? IsNumber(number, before, after) : SameBytes(before, after);
    }

    /// <summary>Compares one pair; false where what follows cannot be told to belong together.</summary>
    private bool Compare(in PickleInstruction before, in PickleInstruction after)
    {
        if (originalFrameEnds.Contains(before.Offset) != upgradedFrameEnds.Contains(after.Offset))
        {
            Add(after, "a frame ends at another instruction");
        }

        if (originalStrings.TryGetValue(before.Offset, out var text) && upgradedStrings.TryGetValue(after.Offset, out var found))
        {
            CompareStrings(before, text, after, found);
            return true;
        }

        if (expected.Numbers.TryGetValue(before.Offset, out var number))
        {
            if (!IsNumber(number, before, after))
            {
                Add(after, $"{after.Opcode} is not the int {number}");
            }

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

    /// <summary>
    /// Whether an int is as it was, or the expected one in the form that CPython's pickler chooses: it takes another opcode where
    /// it becomes larger or smaller than the old one's bytes can say.
    /// </summary>
    private bool IsNumber(long number, in PickleInstruction before, in PickleInstruction after)
    {
        if (!IsInteger(after.Opcode) || PickleNumbers.Read(after, upgradedReader.Argument(after)) is not PickleInteger { Value: var found } || found != number)
        {
            return false;
        }

        return SameBytes(before, after) || PickleForms.IsInteger(after, upgradedReader.Argument(after), number, protocol);
    }

    private void CompareStrings(in PickleInstruction before, PickleString text, in PickleInstruction after, PickleString found)
    {
        var wanted = expected.Texts.GetValueOrDefault(before.Offset, text.Text);
        if (found.Text != wanted)
        {
            Add(after, $"'{found.Text}', expected '{wanted}'");
            return;
        }

        var (wasLiteral, isLiteral) = (text.Offset == before.Offset, found.Offset == after.Offset);
        if (wasLiteral && isLiteral)
        {
            literals[after.Offset] = before.Offset;
        }

        var isAllowed = (wasLiteral, isLiteral) switch
        {
            (true, true) => wanted == text.Text ? SameBytes(before, after) : IsForm(before, after),
            (false, false) => SameBytes(before, after),
            (false, true) => expected.Texts.GetValueOrDefault(text.Offset, text.Text) != wanted
                && found.MemoSlot < 0
                && IsForm(originalReader.Read(text.Offset), after),
            (true, false) => text.MemoSlot < 0
                && literals.TryGetValue(found.Offset, out var fetched)
                && (expected.Texts.ContainsKey(before.Offset) || expected.Texts.ContainsKey(fetched))
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
