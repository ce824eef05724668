namespace QkvMigrate.Checkpoints.Safetensors;

/// <summary>
/// Holds a header's tensors against the file: sorted by their offsets they cover the data without a hole or an overlap,
/// to the file's last byte, and each has the bytes that its shape takes (safetensors/src/tensor.rs, <c>Metadata::validate</c>).
/// </summary>
internal static class SafetensorsLayout
{
    /// <summary>Checks <paramref name="tensors"/> against <paramref name="dataLength"/>, the bytes behind the header.</summary>
    /// <exception cref="MigrationException">They do not fit.</exception>
    public static void Check(IReadOnlyList<SafetensorsTensor> tensors, long dataLength)
    {
        var end = 0L;
        foreach (var tensor in tensors.OrderBy(tensor => tensor.Begin).ThenBy(tensor => tensor.End))
        {
            if (tensor.Begin != end || tensor.End < tensor.Begin)
            {
                throw SafetensorsFailure.Tensor(
                    tensor.Key.Text,
                    $"data_offsets [{tensor.Begin}, {tensor.End}], expected a start at {end}, where the tensor before it ends");
            }

            if (DType.BySafetensorsName(tensor.DType) is { } dtype)
            {
                CheckSize(tensor, dtype);
            }

            end = tensor.End;
        }

        if (end != dataLength)
        {
            throw new MigrationException(
                FailureKind.Malformed,
                $"the tensors have {end} bytes in all, the file has {dataLength} behind its header",
                where: "safetensors header");
        }
    }

    private static void CheckSize(SafetensorsTensor tensor, DType dtype)
    {
        // Products of 64-bit sizes in 128 bits, and none is multiplied further that is beyond what a file can have.
        Int128 bytes = dtype.ItemSize;
        foreach (var size in tensor.Shape.OrderBy(size => size != 0))
        {
            bytes *= size;
            if (bytes > long.MaxValue)
            {
                throw SafetensorsFailure.Tensor(tensor.Key.Text, $"shape ({string.Join(", ", tensor.Shape)}) takes more bytes than a file can have");
            }
        }

        if (bytes != tensor.Length)
        {
            throw SafetensorsFailure.Tensor(
                tensor.Key.Text,
                $"shape ({string.Join(", ", tensor.Shape)}) of {tensor.DType} takes {bytes} bytes, data_offsets give it {tensor.Length}");
        }
    }
}
