using System.Text;

namespace QkvMigrate.Testing.Checkpoints;

/// <summary>Writes safetensors: the header's length in 8 bytes, the header, the tensors' bytes.</summary>
internal static class SafetensorsFile
{
    /// <summary>A file with this header, right or wrong.</summary>
    public static byte[] Raw(string header, byte[] data)
    {
        var json = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((long)json.Length), .. json, .. data];
    }

    /// <summary>A file with this header as the reference implementation writes it: padded by spaces to a multiple of 8.</summary>
    public static byte[] Padded(string header, byte[] data) =>
        Raw(header + new string(' ', (8 - (Encoding.UTF8.GetByteCount(header) % 8)) % 8), data);

    /// <summary>A file of these tensors, one behind the other.</summary>
    /// <param name="tensors">Name, type in the words of the format, and sizes of each.</param>
    /// <param name="itemSize">Bytes of an element.</param>
    /// <param name="data">The bytes of all, or null for 0, 1, 2 and so on.</param>
    /// <param name="metadata">The entries of <c>__metadata__</c> as JSON, or null where there are none.</param>
    public static byte[] Write(IEnumerable<(string Name, string Type, int[] Shape)> tensors, int itemSize, byte[]? data = null, string? metadata = null)
    {
        var entries = new List<string>();
        if (metadata is not null)
        {
            entries.Add($"\"__metadata__\": {metadata}");
        }

        var end = 0;
        foreach (var (name, type, shape) in tensors)
        {
            var start = end;
            end += shape.Aggregate(itemSize, (product, size) => product * size);
            entries.Add($"\"{name}\":{{\"dtype\":\"{type}\",\"shape\":[{string.Join(',', shape)}],\"data_offsets\":[{start},{end}]}}");
        }

        return Padded($"{{{string.Join(',', entries)}}}", data ?? [.. Enumerable.Range(0, end).Select(number => (byte)number)]);
    }
}
