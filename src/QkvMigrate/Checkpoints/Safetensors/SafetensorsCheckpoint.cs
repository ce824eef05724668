using System.Buffers.Binary;
using QkvMigrate.Checkpoints.JsonTexts;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;

namespace QkvMigrate.Checkpoints.Safetensors;

/// <summary>
/// A safetensors file. Each tensor has its bytes for itself, row-major. One whose element type this tool does not know
/// (F4, F6_E2M3: elements smaller than a byte) is described by its bytes: it can be kept and renamed, not permuted.
/// </summary>
internal sealed class SafetensorsCheckpoint : Checkpoint
{
    private readonly Dictionary<int, JsonKey> keys;

    private SafetensorsCheckpoint(SourceFile source, SafetensorsHeader header)
        : base(source)
    {
        Header = header;
        keys = header.Tensors.ToDictionary(tensor => tensor.Key.Start, tensor => tensor.Key);
        var root = new ContainerEntry("", []);
        Tensors = [.. header.Tensors.Select(tensor => Describe(source, tensor, root, header.DataOffset))];
    }

    /// <summary>The header.</summary>
    public SafetensorsHeader Header { get; }

    /// <inheritdoc/>
    public override CheckpointFormat Format => CheckpointFormat.Safetensors;

    /// <summary>False: writers sort the header by dtype or by name.</summary>
    internal override bool KeepsModelOrder => false;

    /// <inheritdoc/>
    public override IReadOnlyList<TensorEntry> Tensors { get; }

    /// <inheritdoc/>
    internal override IReadOnlySet<StorageEntry> OpaqueStorages { get; } = new HashSet<StorageEntry>();

    /// <summary>
    /// Whether the file starts with a length that no text file would (its upper bytes are zero), and a <c>{</c> behind it.
    /// </summary>
    public static bool Matches(SourceFile source) =>
        source.Length > SafetensorsHeader.LengthBytes
        && source.Read(0, SafetensorsHeader.LengthBytes + 1) is var start
        && BinaryPrimitives.ReadUInt64LittleEndian(start) < 1UL << 40
        && start[^1] == '{';

    /// <summary>Reads the file's header.</summary>
    public static SafetensorsCheckpoint Open(SourceFile source)
    {
        var read = SafetensorsHeader.Read(source);
        SafetensorsLayout.Check(read.Tensors, source.Length - read.DataOffset);
        return new SafetensorsCheckpoint(source, read);
    }

    /// <inheritdoc/>
    internal override FilePlan Rewrite(CheckpointEdit edit)
    {
        CheckElements(edit.Reorders.Select(reorder => reorder.Storage.Key).ToHashSet());
        var builder = new FilePlanBuilder();
        if (edit.Renames.Count > 0)
        {
            builder.Literal(Header.Renamed(edit.Renames.Select(rename => (keys[rename.Key], rename.Value))));
        }
        else
        {
            builder.Copy(Source, 0, Header.DataOffset);
        }

        StorageLayout.LayDown(builder, Source, Header.DataOffset, Source.Length, edit.Reorders);
        return builder.Build();
    }

    private static TensorEntry Describe(SourceFile source, SafetensorsTensor tensor, ContainerEntry root, long dataOffset)
    {
        var known = DType.BySafetensorsName(tensor.DType);
        var shape = known is null ? [tensor.Length] : tensor.Shape;
        return new TensorEntry(
            root,
            new NameEntry(tensor.Key.Start, tensor.Key.Text, NameRole.TensorKey),
            tensor.Key.Text,
            known ?? new DType(tensor.DType, 1, null, tensor.DType),
            shape,
            Contiguous(shape),
            new StorageEntry(source, tensor.Key.Text, dataOffset + tensor.Begin, tensor.Length),
            0);
    }

    /// <summary>Row-major strides; a size of 0 counts as 1, as in PyTorch's <c>contiguous</c>.</summary>
    private static long[] Contiguous(IReadOnlyList<long> shape)
    {
        var strides = new long[shape.Count];
        var stride = 1L;
        for (var i = shape.Count - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride = unchecked(stride * Math.Max(shape[i], 1));
        }

        return strides;
    }

    private void CheckElements(HashSet<string> reordered)
    {
        if (Header.Tensors.FirstOrDefault(tensor => reordered.Contains(tensor.Key.Text) && DType.BySafetensorsName(tensor.DType) is null) is { } tensor)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"its dtype {tensor.DType} is not known, so that its rows cannot be told apart",
                where: $"tensor '{tensor.Key.Text}'");
        }
    }
}
