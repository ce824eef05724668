using System.Text;
using QkvMigrate.Testing.Checkpoints;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Testing.Zips;

/// <summary>
/// The zip that <c>torch.save</c> writes: entries stored, their data on multiples of 64. The checksums stand in the local
/// headers, where a test can change them; <see cref="PyTorchZip"/> has them behind the data, as PyTorch does.
/// </summary>
internal static class TorchFile
{
    public static byte[] Write(params IEnumerable<(string Name, byte[] Bytes)> entries) => Lay(entries).ToArray();

    /// <summary>A dict of tensors.</summary>
    public static byte[] Write(IReadOnlyList<StoredTensor> tensors) => Lay(Entries(tensors)).ToArray();

    /// <summary>Writes a dict of tensors to a file.</summary>
    public static void Save(string path, params IReadOnlyList<StoredTensor> tensors) => Lay(Entries(tensors)).Bytes.Save(path);

    private static ZipImage Lay(IEnumerable<(string Name, byte[] Bytes)> entries)
    {
        var image = new ZipImage();
        foreach (var (name, bytes) in entries)
        {
            var padding = PyTorchZip.PaddingBefore(image.Length + PyTorchZip.HeaderLength + Encoding.UTF8.GetByteCount(name));
            image.Add(new ZipPart(name, bytes) { LocalExtra = PyTorchZip.Padding(padding) });
        }

        return image.End();
    }

    private static IEnumerable<(string Name, byte[] Bytes)> Entries(IReadOnlyList<StoredTensor> tensors)
    {
        var stored = tensors.Select((tensor, number) => (Tensor: tensor, Key: tensor.Storage ?? number)).ToList();
        return
        [
            ("archive/data.pkl", Pickle(Dict(stored.Select(one => (one.Tensor.Name, Code(one.Tensor, one.Key)))))),
            .. stored.DistinctBy(one => one.Key).Select(one => ($"archive/data/{one.Key}", one.Tensor.Bytes)),
            ("archive/version", "3\n"u8.ToArray()),
        ];
    }

    private static string Code(StoredTensor tensor, int key)
    {
        var strides = tensor.Shape.Select((_, dimension) => tensor.Shape[(dimension + 1)..].Aggregate(1L, (product, size) => product * size));
        return Tensor(Storage(Text($"{key}"), tensor.Bytes.Length / tensor.ItemSize, $"torch\n{tensor.Type}"), 0, tensor.Shape, [.. strides]);
    }
}
