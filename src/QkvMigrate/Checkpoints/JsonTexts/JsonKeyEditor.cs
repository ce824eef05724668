using System.Text.Json;

namespace QkvMigrate.Checkpoints.JsonTexts;

/// <summary>
/// Renames keys in a JSON text and copies every other byte: order, spaces and the escapes of what does not change stay,
/// so that renaming back gives the same text.
/// </summary>
internal static class JsonKeyEditor
{
    /// <summary>The text with the keys renamed.</summary>
    /// <param name="json">The text.</param>
    /// <param name="renames">Keys of the text, each once, with their new names.</param>
    public static byte[] Rename(ReadOnlyMemory<byte> json, IEnumerable<(JsonKey Key, string Name)> renames)
    {
        var result = new MemoryStream(json.Length);
        var done = 0;
        foreach (var (key, name) in renames.OrderBy(rename => rename.Key.Start))
        {
            var (start, end, replacement) = Change(json.Span, key, name);
            result.Write(json.Span[done..start]);
            result.Write(replacement);
            done = end;
        }

        result.Write(json.Span[done..]);
        return result.ToArray();
    }

    /// <summary>The smallest range of the key whose replacement makes it <paramref name="name"/>.</summary>
    private static (int Start, int End, byte[] Replacement) Change(ReadOnlySpan<byte> json, JsonKey key, string name)
    {
        var characters = Characters(json.Slice(key.Start, key.Length));
        var first = 0;
        var from = 0;
        for (; first < characters.Count && name.AsSpan(from).StartsWith(characters[first].Text); first++)
        {
            from += characters[first].Text.Length;
        }

        var last = characters.Count;
        var to = name.Length;
        for (; last > first && name.AsSpan(from..to).EndsWith(characters[last - 1].Text); last--)
        {
            to -= characters[last - 1].Text.Length;
        }

        var start = first < characters.Count ? characters[first].Start : key.Length;
        var end = last < characters.Count ? characters[last].Start : key.Length;
        return (key.Start + start, key.Start + end, JsonEncodedText.Encode(name[from..to]).EncodedUtf8Bytes.ToArray());
    }

    /// <summary>
    /// The characters of a string's inside with the places where they are written. An escape (RFC 8259, section 7) is
    /// one character, and so is a run of UTF-8 bytes of one.
    /// </summary>
    private static List<(int Start, string Text)> Characters(ReadOnlySpan<byte> inside)
    {
        var characters = new List<(int, string)>(inside.Length);
        for (var start = 0; start < inside.Length;)
        {
            var length = Length(inside[start..]);
            var reader = new Utf8JsonReader([(byte)'"', .. inside.Slice(start, length), (byte)'"']);
            reader.Read();
            characters.Add((start, reader.GetString()!));
            start += length;
        }

        return characters;
    }

    private static int Length(ReadOnlySpan<byte> rest) => rest[0] switch
    {
        (byte)'\\' when rest[1] == 'u' => IsHighSurrogate(rest) ? 12 : 6,
        (byte)'\\' => 2,
        < 0x80 => 1,
        < 0xe0 => 2,
        < 0xf0 => 3,
        _ => 4,
    };

    /// <summary>Whether <c>\uD8..</c> to <c>\uDB..</c> starts here: the first half of a pair.</summary>
    private static bool IsHighSurrogate(ReadOnlySpan<byte> escape) =>
        (escape[2] | 0x20) == 'd' && (escape[3] | 0x20) is '8' or '9' or 'a' or 'b';
}
