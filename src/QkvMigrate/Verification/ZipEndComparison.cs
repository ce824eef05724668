using System.Buffers.Binary;
using QkvMigrate.Checkpoints.TorchZip;

namespace QkvMigrate.Verification;

/// <summary>
/// Holds the records behind the central directory against those of the first file: all but the directory's new place and size,
/// and its count of entries where some are gone.
/// </summary>
internal static class ZipEndComparison
{
    private const string Place = "zip end records";

    /// <summary>Compares the records.</summary>
    public static void Compare(ZipEnd before, ZipEnd after, DifferenceLog log)
    {
        if (before.Tail.Length != after.Tail.Length || before.HasZip64 != after.HasZip64)
        {
            log.Add(Place, $"{after.Tail.Length} bytes, expected {before.Tail.Length}", after.DirectoryOffset + after.DirectorySize);
            return;
        }

        var expected = before.Tail.ToArray();
        var found = after.Tail.ToArray();
        var end = 0;
        if (before.HasZip64)
        {
            // What reading the zip64 records checks: the directory's size and place, and the place of the record itself.
            var locator = (int)BinaryPrimitives.ReadUInt64LittleEndian(found.AsSpan(ZipFormat.Zip64EndRecordSize)) + 12;
            if (before.Count != after.Count)
            {
                // Reading holds the second of the two against the directory.
                BinaryPrimitives.WriteInt64LittleEndian(expected.AsSpan(ZipFormat.Zip64EndCountOnDisk), after.Count);
                BinaryPrimitives.WriteInt64LittleEndian(expected.AsSpan(ZipFormat.Zip64EndCount), after.Count);
            }

            Take(ZipFormat.Zip64EndDirectorySize, sizeof(long));
            Take(ZipFormat.Zip64EndDirectoryOffset, sizeof(long));
            Take(locator + ZipFormat.Zip64LocatorEndOffset, sizeof(long));
            end = locator + ZipFormat.Zip64LocatorLength;
        }

        if (before.Count != after.Count)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(expected.AsSpan(end + ZipFormat.EndCountOnDisk), (ushort)Math.Min(after.Count, ZipFormat.Escape16));
            BinaryPrimitives.WriteUInt16LittleEndian(expected.AsSpan(end + ZipFormat.EndCount), (ushort)Math.Min(after.Count, ZipFormat.Escape16));
        }

        Narrow(ZipFormat.EndDirectorySize, after.DirectorySize);
        Narrow(ZipFormat.EndDirectoryOffset, after.DirectoryOffset);
        var at = found.AsSpan().CommonPrefixLength(expected);
        if (at < found.Length)
        {
            log.Add(Place, $"0x{found[at]:x2}, expected 0x{expected[at]:x2}", after.DirectoryOffset + after.DirectorySize + at);
        }

        void Take(int field, int length) => found.AsSpan(field, length).CopyTo(expected.AsSpan(field));

        // The 32-bit fields hold the numbers too; where the first file had the escape value instead, the second may have it.
        void Narrow(int field, long number)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(found.AsSpan(end + field)) == (uint)Math.Min(number, ZipFormat.Escape32))
            {
                Take(end + field, sizeof(uint));
            }
        }
    }
}
