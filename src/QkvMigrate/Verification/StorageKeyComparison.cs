using QkvMigrate.Pickling;

namespace QkvMigrate.Verification;

/// <summary>
/// Holds the pickles of two lists of storage keys against each other, instruction by instruction: keys that are gone are left
/// out, with the slot of the memo that each was put into; new ones stand behind all others, in one APPENDS that nothing else
/// is in. Which of the new ones is first is free.
/// </summary>
internal sealed class StorageKeyComparison
{
    private readonly PickleReader original;
    private readonly PickleReader upgraded;
    private readonly Dictionary<int, string> texts;
    private readonly Dictionary<int, string> newTexts;
    private readonly IReadOnlySet<string> gone;
    private readonly HashSet<string> added;
    private readonly int firstKey;
    private readonly int protocol;
    private int place;

    private StorageKeyComparison(PickleScript original, PickleScript upgraded, IReadOnlySet<string> gone, IEnumerable<string> added)
    {
        this.original = new PickleReader(original.Bytes);
        this.upgraded = new PickleReader(upgraded.Bytes);
        texts = original.Strings.ToDictionary(text => text.Offset, text => text.Text);
        newTexts = upgraded.Strings.ToDictionary(text => text.Offset, text => text.Text);
        firstKey = original.Strings[0].Offset;
        protocol = original.Protocol;
        this.gone = gone;
        this.added = [.. added];
    }

    /// <summary>Compares the pickles; false where they differ.</summary>
    /// <param name="original">The first file's list.</param>
    /// <param name="upgraded">The second file's list.</param>
    /// <param name="gone">The keys that it must not have.</param>
    /// <param name="added">The keys that it must have more.</param>
    /// <param name="start">Where the second list starts in its file.</param>
    /// <param name="log">Takes the difference.</param>
    public static bool Compare(PickleScript original, PickleScript upgraded, IReadOnlySet<string> gone, IEnumerable<string> added, long start, DifferenceLog log)
    {
        var comparison = new StorageKeyComparison(original, upgraded, gone, added);
        if (comparison.IsExpected(original.Bytes.Length, upgraded.Bytes.Length))
        {
            return true;
        }

        log.Add("storage keys", "the list is not the first file's without the storages that are used no more and with the new ones", start + comparison.place);
        return false;
    }

    private bool IsExpected(int length, int newLength)
    {
        for (var at = 0; at < length - 1;)
        {
            var before = original.Read(at);
            at = before.End;
            if (texts.TryGetValue(before.Offset, out var key) && gone.Contains(key))
            {
                at = AfterGone(at);
            }
            else if (!IsNext(before))
            {
                return false;
            }
        }

        return HasNew() && place == newLength - 1;
    }

    /// <summary>What stands behind a key that is gone: nothing puts it into the memo, or appends it alone.</summary>
    private int AfterGone(int at)
    {
        var next = original.Read(at);
        if (PickleMemoCode.IsPut(next.Opcode))
        {
            next = original.Read(at = next.End);
        }

        return next.Opcode == PickleOpcode.Append ? next.End : at;
    }

    /// <summary>Whether an instruction stands next in the second list, too. The length of a frame follows from what is in it, which reading has checked.</summary>
    private bool IsNext(in PickleInstruction before)
    {
        var after = upgraded.Read(place);
        var isSame = before.Opcode == PickleOpcode.Frame ? after.Opcode == PickleOpcode.Frame : original.All(before).SequenceEqual(upgraded.All(after));
        place = isSame ? after.End : place;
        return isSame;
    }

    private bool HasNew()
    {
        if (upgraded.Read(place).Opcode != PickleOpcode.Mark)
        {
            return added.Count == 0;
        }

        place = upgraded.Read(place).End;
        while (newTexts.TryGetValue(place, out var key) && IsForm(upgraded.Read(place)) && added.Remove(key))
        {
            place = upgraded.Read(place).End;
        }

        var end = upgraded.Read(place);
        place = end.End;
        return end.Opcode == PickleOpcode.Appends && added.Count == 0;
    }

    /// <summary>Whether a new key is written as the first of the old ones is.</summary>
    private bool IsForm(in PickleInstruction after)
    {
        var like = original.Read(firstKey);
        return PickleForms.IsText(like, original.Argument(like), after, upgraded.Argument(after), protocol);
    }
}
