using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;
using QkvMigrate.Checkpoints.JsonTexts;
using QkvMigrate.Files;

namespace QkvMigrate.Checkpoints.Safetensors;

/// <summary>
/// The header of a safetensors file: 8 bytes of little-endian length and as many bytes of JSON, a dict of tensors and,
/// under <c>__metadata__</c>, of strings (safetensors/README.md, Format; safetensors/src/tensor.rs, <c>read_metadata</c>).
/// Spaces behind the dict bring the data to a multiple of 8 bytes.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>Bytes of the header's length.</summary>
    public const int LengthBytes = sizeof(ulong);

    /// <summary>
    /// The longest header that is read. It has room for 250,000 tensors, more than <see cref="DirectoryBudget"/> pays for.
    /// The reference implementation stops at 100,000,000 bytes (<c>MAX_HEADER_SIZE</c>).
    /// </summary>
    public const int MaximumLength = 32 << 20;

    /// <summary>The data of a file whose header the reference implementation wrote starts on a multiple of as many bytes.</summary>
    private const int Alignment = 8;

    private SafetensorsHeader(ReadOnlyMemory<byte> json, IReadOnlyList<SafetensorsTensor> tensors)
    {
        Json = json;
        Tensors = tensors;
    }

    /// <summary>The JSON with the spaces behind it.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>The tensors in the order of the header.</summary>
    public IReadOnlyList<SafetensorsTensor> Tensors { get; }

    /// <summary>Where the tensors' data start in the file.</summary>
    public long DataOffset => LengthBytes + Json.Length;

    /// <summary>Reads the header of <paramref name="source"/>.</summary>
    /// <exception cref="MigrationException">It is no header, or one beyond <see cref="MaximumLength"/> or <see cref="DirectoryBudget.Maximum"/>.</exception>
    public static SafetensorsHeader Read(SourceFile source)
    {
        var length = BinaryPrimitives.ReadUInt64LittleEndian(source.Read(0, LengthBytes));
        if (length > MaximumLength)
        {
            throw new MigrationException(FailureKind.Unsupported, $"a header of {length} bytes, at most {MaximumLength} are read", where: "safetensors header");
        }

        if (length > (ulong)(source.Length - LengthBytes))
        {
            throw new MigrationException(
                FailureKind.Malformed,
                $"a header of {length} bytes, the file has {source.Length - LengthBytes} behind the length",
                where: "safetensors header");
        }

        return Parse(source.Read(LengthBytes, (int)length), new DirectoryBudget("safetensors header", (long)length));
    }

    /// <summary>
    /// The whole header, length and JSON, with names changed. It keeps its length where the spaces at its end allow it,
    /// so that the data keep their place; where they do not, it grows by a multiple of 8.
    /// </summary>
    /// <exception cref="MigrationException">The header would become longer than <see cref="MaximumLength"/>.</exception>
    public byte[] Renamed(IEnumerable<(JsonKey Key, string Name)> renames)
    {
        var text = JsonKeyEditor.Rename(Json, renames).AsSpan().TrimEnd((byte)' ');
        var growth = Math.Max(text.Length - Json.Length, 0);
        var length = Json.Length + ((growth + Alignment - 1) / Alignment * Alignment);
        if (length > MaximumLength)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"the new names would make a header of {length} bytes, at most {MaximumLength} are read",
                where: "safetensors header");
        }

        var header = new byte[LengthBytes + length];
        header.AsSpan().Fill((byte)' ');
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)length);
        text.CopyTo(header.AsSpan(LengthBytes));
        return header;
    }

    private static SafetensorsHeader Parse(byte[] json, DirectoryBudget budget)
    {
        if (json is not [(byte)'{', ..])
        {
            throw SafetensorsFailure.Header(0, "the header does not start with '{'");
        }

        if (!Utf8.IsValid(json))
        {
            throw SafetensorsFailure.Header(0, "the header is not valid UTF-8");
        }

        var reader = new Utf8JsonReader(json);
        try
        {
            var tensors = SafetensorsHeaderParser.Read(ref reader, budget);
            reader.Read();
            return new SafetensorsHeader(json, tensors);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw SafetensorsFailure.Header(reader.BytesConsumed, "the header is not valid JSON");
        }
    }
}
