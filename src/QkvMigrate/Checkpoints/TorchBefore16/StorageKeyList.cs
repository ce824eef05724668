using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchBefore16;

/// <summary>The pickle of the list of storage keys, which stands between the objects and the storages.</summary>
internal static class StorageKeyList
{
    /// <summary>The list in its order, checked to be one of strings.</summary>
    /// <exception cref="MigrationException">It is none.</exception>
    public static IReadOnlyList<PickleItem> Read(PickleDocument keys) =>
        keys.Root.Node is PickleList list && list.Items.All(item => item.Node is PickleString)
            ? list.Items
            : throw new MigrationException(FailureKind.Malformed, "expected a list of strings", where: "storage keys pickle");

    /// <summary>The list without some keys and with others behind it.</summary>
    /// <param name="script">The list as it is, of one key or more.</param>
    /// <param name="removed">The keys that go.</param>
    /// <param name="added">The keys that come, in their order.</param>
    /// <exception cref="MigrationException">A key that goes is written in a way that no pickler has.</exception>
    public static byte[] Edit(PickleScript script, IReadOnlySet<string> removed, IReadOnlyList<string> added)
    {
        var reader = new PickleReader(script.Bytes);
        var edits = Read(script.Read())
            .Where(item => removed.Contains(((PickleString)item.Node).Text))
            .Select(item => Without(reader, item))
            .ToList();
        if (added.Count > 0)
        {
            var like = reader.Read(script.Strings[0].Offset);
            var texts = added.SelectMany(key => PickleText.Encode(like.Opcode, like.ArgumentLength, script.Protocol, key));
            edits.Add(new PickleEdit(script.Bytes.Length - 1, 0, (byte[])[(byte)PickleOpcode.Mark, .. texts, (byte)PickleOpcode.Appends]));
        }

        return PickleEditor.Apply(script, edits);
    }

    /// <summary>Takes a string out, with the slot of the memo that nothing fetches, and with the APPEND of a list of one.</summary>
    private static PickleEdit Without(PickleReader reader, PickleItem item)
    {
        if (item.At != item.Node.Offset || ((PickleString)item.Node).Gets is not null)
        {
            throw new MigrationException(FailureKind.Unsupported, "a storage's key is fetched from the memo, which no pickler does", where: "storage keys pickle");
        }

        var end = reader.Read(item.At).End;
        var next = reader.Read(end);
        if (PickleMemoCode.IsPut(next.Opcode))
        {
            next = reader.Read(end = next.End);
        }

        return new PickleEdit(item.At, (next.Opcode == PickleOpcode.Append ? next.End : end) - item.At, ReadOnlyMemory<byte>.Empty);
    }
}
