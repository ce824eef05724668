using System.Text;
using System.Text.Json.Nodes;
using QkvMigrate.Testing.Checkpoints;

namespace QkvMigrate.Tests.Verification.Exports;

/// <summary>A safetensors file taken apart, to be put together wrong.</summary>
internal sealed class SafetensorsImage
{
    private SafetensorsImage(JsonObject header, byte[] data)
    {
        Header = header;
        Data = data;
    }

    /// <summary>The header.</summary>
    public JsonObject Header { get; }

    /// <summary>The bytes behind it.</summary>
    public byte[] Data { get; private set; }

    /// <summary>The names of the tensors.</summary>
    public IReadOnlyList<string> Names => [.. Header.Select(entry => entry.Key).Where(name => name != "__metadata__")];

    /// <summary>Takes a file apart.</summary>
    public static SafetensorsImage Of(byte[] file)
    {
        var length = (int)BitConverter.ToInt64(file);
        return new SafetensorsImage(JsonNode.Parse(Encoding.UTF8.GetString(file, sizeof(long), length))!.AsObject(), file[(sizeof(long) + length)..]);
    }

    /// <summary>The sizes of a tensor.</summary>
    public int[] Shape(string name) => [.. Header[name]!["shape"]!.AsArray().Select(size => (int)size!)];

    /// <summary>The bytes of a tensor, to be read or changed.</summary>
    public Span<byte> Bytes(string name)
    {
        var (start, end) = Range(name);
        return Data.AsSpan(start, end - start);
    }

    /// <summary>Gives a tensor another name.</summary>
    public void Rename(string from, string to)
    {
        var entry = Header[from]!.DeepClone();
        Header.Remove(from);
        Header[to] = entry;
    }

    /// <summary>Takes a tensor and its bytes out.</summary>
    public void Remove(string name)
    {
        var (start, end) = Range(name);
        Header.Remove(name);
        Data = [.. Data[..start], .. Data[end..]];
        foreach (var other in Names.Where(other => Range(other).Start >= end))
        {
            var range = Range(other);
            Header[other]!["data_offsets"] = new JsonArray(range.Start - (end - start), range.End - (end - start));
        }
    }

    /// <summary>Adds a tensor behind the others.</summary>
    public void Add(string name, int[] shape, byte[] bytes)
    {
        Header[name] = new JsonObject
        {
            ["dtype"] = Header[Names[0]]!["dtype"]!.DeepClone(),
            ["shape"] = new JsonArray([.. shape.Select(size => (JsonNode)size)]),
            ["data_offsets"] = new JsonArray(Data.Length, Data.Length + bytes.Length),
        };
        Data = [.. Data, .. bytes];
    }

    /// <summary>The file.</summary>
    public byte[] ToFile() => SafetensorsFile.Padded(Header.ToJsonString(), Data);

    private (int Start, int End) Range(string name)
    {
        var offsets = Header[name]!["data_offsets"]!.AsArray();
        return ((int)offsets[0]!, (int)offsets[1]!);
    }
}
