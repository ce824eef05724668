using System.Buffers.Binary;
using System.Text;

namespace QkvMigrate.Testing.Zips;

/// <summary>Lays a zip of <see cref="TorchFile"/> down once more with a change, everything else right: data aligned, checksums and offsets true.</summary>
internal static class ZipRelay
{
    /// <summary>The zip with its entries changed by <paramref name="change"/>, which has each with the fields of its headers, without padding.</summary>
    public static byte[] Lay(byte[] zip, Func<ZipPart, ZipPart> change, ZipTail? tail = null)
    {
        var image = new ZipImage();
        foreach (var entry in ZipSurgery.Entries(zip).OrderBy(entry => entry.LocalHeader))
        {
            var central = zip.AsSpan(entry.CentralHeader);
            var (extra, comment) = (BinaryPrimitives.ReadUInt16LittleEndian(central[30..]), BinaryPrimitives.ReadUInt16LittleEndian(central[32..]));
            var name = Encoding.UTF8.GetByteCount(entry.Name);
            var part = change(new ZipPart(entry.Name, ZipSurgery.Bytes(zip, entry))
            {
                CentralExtra = central.Slice(46 + name, extra).ToArray(),
                CentralComment = Encoding.UTF8.GetString(central.Slice(46 + name + extra, comment)),
            });
            var padding = PyTorchZip.PaddingBefore(image.Length + PyTorchZip.HeaderLength + name + part.LocalExtra.Length);
            image.Add(part with { LocalExtra = [.. part.LocalExtra, .. PyTorchZip.Padding(padding)] });
        }

        return image.End(tail).ToArray();
    }

    /// <summary>An extra field.</summary>
    public static byte[] Field(ushort id, params byte[] payload) => [(byte)id, (byte)(id >> 8), (byte)payload.Length, (byte)(payload.Length >> 8), .. payload];
}
