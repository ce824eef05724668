using System.Buffers;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// PyTorch's padding: an extra field of the local header, as long as it takes for the data behind it to start on a
/// multiple of the alignment (caffe2/serialize/inline_container.cc, <c>getPadding</c>).
/// </summary>
/// <remarks>
/// Behind an entry that shrank, the field grows so that the data keeps its place: the headers and checksums behind it
/// stay as they are, and filesystems can share the blocks. That must be undone exactly on the way back, from what the
/// file itself shows. PyTorch never pads by the alignment or more, so a longer field is this tool's:
/// it takes up what a shrunken entry left, or marks that an entry grew (one alignment more than needed).
/// </remarks>
internal static class ZipPadding
{
    /// <summary>Writes the padding field.</summary>
    /// <param name="target">Takes the field.</param>
    /// <param name="entry">The entry as it was.</param>
    /// <param name="position">Where the field starts in the new file.</param>
    /// <param name="growth">By how many bytes the entry before has grown.</param>
    /// <param name="before">Bytes of the old field's payload.</param>
    /// <param name="room">Bytes of the header's extra area that are left for the field.</param>
    /// <param name="alignment">Bytes on whose multiples data starts, where it does.</param>
    /// <exception cref="MigrationException">The entry's other extra fields leave no room to align its data.</exception>
    public static void Write(IBufferWriter<byte> target, ZipEntry entry, long position, long growth, int before, int room, int alignment)
    {
        var (wanted, start) = (entry.DataOffset, position + ZipExtra.HeadLength);
        var step = wanted % alignment == 0 ? alignment : 1;
        var least = (int)((step - (start % step)) % step);
        var most = room - ZipExtra.HeadLength - (int)((start + room - ZipExtra.HeadLength) % step);
        if (least > most)
        {
            var problem = $"its extra fields leave no room to align its bytes at {step}";
            throw new MigrationException(FailureKind.Unsupported, problem, where: ZipFailure.Place(entry.Name));
        }

        // How long the field has to be for the data to keep its place; negative where it cannot.
        var keeping = wanted - start;
        var length = growth switch
        {
            0 => Unmoved(),
            < 0 => BehindShrunken(),
            _ => BehindGrown(),
        };
        ZipExtra.WriteHead(target, ZipFormat.PaddingExtraId, length);
        target.GetSpan(length)[..length].Fill(ZipFormat.PaddingByte);
        target.Advance(length);

        int Unmoved()
        {
            var isAligned = (start + before) % step == 0;
            return isAligned ? Math.Min(before, most) : least;
        }

        // The entry before may have grown in its turn, and shrinks back: then this field is longer than PyTorch makes it.
        int BehindShrunken()
        {
            var isPyTorchs = before < step;
            return isPyTorchs ? (int)Math.Clamp(keeping, least, most) : least;
        }

        // The field gives up what it took when the entry before shrank; where that is not enough, a mark says that it grew.
        int BehindGrown()
        {
            if (keeping >= 0)
            {
                return (int)Math.Min(keeping, most);
            }

            var hasRoomForMark = before <= most - step;
            return hasRoomForMark ? least + step : least;
        }
    }
}
