namespace QkvMigrate.Pickling;

/// <summary>
/// Turns new texts for some uses of strings into edits. Picklers write a string once and fetch it from the memo
/// wherever the same object stands again, so a renamed key and a value that must stay can share one literal. Where they
/// do, one of them gets a literal of its own, without a memo slot. No pickler writes such a literal (CPython's
/// <c>save_str</c> memoizes each), which is how the way back finds it and makes it a GET again.
/// </summary>
internal sealed class PickleRename
{
    private readonly PickleScript script;
    private readonly PickleReader reader;
    private readonly IReadOnlyDictionary<int, string> renames;

    private PickleRename(PickleScript script, IReadOnlyDictionary<int, string> renames)
    {
        this.script = script;
        this.renames = renames;
        reader = new PickleReader(script.Bytes);
    }

    /// <summary>The edits that give each use of a string, named by the instruction that pushes it, its new text.</summary>
    /// <exception cref="MigrationException">The pickle keeps one of them in its memo in a way that no pickler does.</exception>
    public static List<PickleEdit> Plan(PickleScript script, IReadOnlyDictionary<int, string> renames) =>
        new PickleRename(script, renames).Plan();

    private List<PickleEdit> Plan()
    {
        var edits = new List<PickleEdit>();
        var restorable = Restorable();
        foreach (var literal in script.Strings)
        {
            var text = TextOf(literal);
            var renamed = text != literal.Text;
            if (restorable.TryGetValue(literal, out var twin))
            {
                edits.Add(Replace(literal.Offset, Fetch(twin)));
            }
            else if (renamed)
            {
                edits.Add(Literal(literal.Offset, literal, text));
            }

            foreach (var get in literal.Gets ?? [])
            {
                var wanted = renames.GetValueOrDefault(get, literal.Text);
                if (wanted != text)
                {
                    CheckIsNotMemoized(get);
                    edits.Add(Literal(get, literal, wanted));
                }
            }
        }

        return edits;
    }

    /// <summary>
    /// Whoever fetches the second slot of a string would get the one of its literals that took the place of the first
    /// fetch, whatever its own text is to be.
    /// </summary>
    /// <exception cref="MigrationException">What is fetched here is put into a slot again.</exception>
    private void CheckIsNotMemoized(int get)
    {
        if (reader.Read(reader.Read(get).End).Opcode is PickleOpcode.Memoize or PickleOpcode.Put or PickleOpcode.BinPut or PickleOpcode.LongBinPut)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                "a name that changes is fetched from the memo and put there again, which no pickler does", where: "pickle",
                offset: get);
        }
    }

    /// <summary>
    /// The literals that took the place of a GET, each with the one that was fetched: its text was another until now, and will be
    /// the same. A literal whose text was the same until now would still be fetched. Where <c>pickletools.optimize</c> took slots
    /// out of a pickle, what never was a GET can look so; then the file does not come back byte for byte, as its plan says.
    /// </summary>
    private Dictionary<PickleString, PickleString> Restorable()
    {
        var found = new Dictionary<PickleString, PickleString>(ReferenceEqualityComparer.Instance);
        var unmemoized = script.Strings.Where(literal => literal.MemoSlot < 0).ToList();
        if (unmemoized.Count == 0)
        {
            return found;
        }

        var twins = MemoizedTwins(unmemoized.Select(TextOf).ToHashSet());
        foreach (var literal in unmemoized)
        {
            if (twins[TextOf(literal)].FirstOrDefault(twin => twin.Text != literal.Text) is { } twin && twin.Offset < literal.Offset)
            {
                found.Add(literal, twin);
            }
        }

        return found;
    }

    /// <summary>
    /// The literals that strings without a memo slot could be fetched from, by the text that they will have, the first of
    /// each text that they have now. Only those that are memoized at once, as picklers do it: the slot is then filled for all that follows.
    /// </summary>
    private ILookup<string, PickleString> MemoizedTwins(HashSet<string> texts) => script.Strings
        .Where(literal => literal.MemoSlot >= 0 && texts.Contains(TextOf(literal)) && literal.MemoizedAt == reader.Read(literal.Offset).End)
        .DistinctBy(literal => (TextOf(literal), literal.Text))
        .ToLookup(TextOf);

    private string TextOf(PickleString literal) => renames.GetValueOrDefault(literal.Offset, literal.Text);

    /// <summary>A literal of the same form as <paramref name="like"/> instead of the instruction at <paramref name="offset"/>.</summary>
    private PickleEdit Literal(int offset, PickleString like, string text)
    {
        var old = reader.Read(like.Offset);
        return Replace(offset, PickleText.Encode(old.Opcode, old.ArgumentLength, script.Protocol, text));
    }

    private PickleEdit Replace(int offset, byte[] bytes) => new(offset, reader.Read(offset).End - offset, bytes);

    /// <summary>
    /// GET of a literal's slot. Protocol 0, where it is a line, is told from protocol 1 by its PUT, for neither has a PROTO.
    /// </summary>
    private byte[] Fetch(PickleString literal) =>
        PickleMemoCode.Get(literal.MemoSlot, isLine: reader.Read(literal.MemoizedAt).Opcode == PickleOpcode.Put);
}
