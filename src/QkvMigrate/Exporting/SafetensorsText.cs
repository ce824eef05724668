using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace QkvMigrate.Exporting;

/// <summary>Writes the header of a safetensors file (safetensors/src/tensor.rs, <c>serialize</c>).</summary>
internal static class SafetensorsText
{
    private const int Alignment = 8;

    /// <summary>Strings are names of tensors: no character of them has to be escaped for HTML.</summary>
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// The tensors in the order of their bytes, as Hugging Face's library writes them: the largest elements first, so that all
    /// are aligned, and by name.
    /// </summary>
    public static IReadOnlyList<ExportedTensor> InOrder(IEnumerable<ExportedTensor> tensors) =>
        [
            .. tensors
                .OrderByDescending(tensor => tensor.DType.ItemSize)
                .ThenBy(tensor => tensor.DType.SafetensorsName, StringComparer.Ordinal)
                .ThenBy(tensor => tensor.Name, StringComparer.Ordinal),
        ];

    /// <summary>The length and the header, padded with spaces so that the tensors behind it start at a multiple of eight bytes.</summary>
    /// <param name="tensors">The tensors in the order of their bytes.</param>
    public static ReadOnlyMemory<byte> Header(IReadOnlyList<ExportedTensor> tensors)
    {
        var json = new ArrayBufferWriter<byte>();
        json.Write(new byte[sizeof(ulong)]);
        using (var writer = new Utf8JsonWriter(json, Options))
        {
            Write(writer, tensors);
        }

        var header = new byte[(json.WrittenCount + Alignment - 1) / Alignment * Alignment];
        json.WrittenSpan.CopyTo(header);
        header.AsSpan(json.WrittenCount).Fill((byte)' ');
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)(header.Length - sizeof(ulong)));
        return header;
    }

    private static void Write(Utf8JsonWriter writer, IReadOnlyList<ExportedTensor> tensors)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("__metadata__");
        writer.WriteString("format", "pt");
        writer.WriteEndObject();
        var at = 0L;
        foreach (var tensor in tensors)
        {
            writer.WriteStartObject(tensor.Name);
            writer.WriteString("dtype", tensor.DType.SafetensorsName);
            writer.WriteStartArray("shape");
            foreach (var size in tensor.Shape)
            {
                writer.WriteNumberValue(size);
            }

            writer.WriteEndArray();
            writer.WriteStartArray("data_offsets");
            writer.WriteNumberValue(at);
            writer.WriteNumberValue(at += tensor.Bytes);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}
