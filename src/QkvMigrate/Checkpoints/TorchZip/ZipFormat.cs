namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// The records of a zip file: signatures, fixed lengths and places of fields, as in PKWARE's APPNOTE.TXT 6.3.10,
/// sections 4.3 and 4.5. All numbers are little-endian.
/// </summary>
internal static class ZipFormat
{
    public const uint LocalHeaderSignature = 0x04034b50;
    public const int LocalHeaderLength = 30;
    public const int LocalFlags = 6;
    public const int LocalMethod = 8;
    public const int LocalCrc = 14;
    public const int LocalCompressedSize = 18;
    public const int LocalSize = 22;
    public const int LocalNameLength = 26;
    public const int LocalExtraLength = 28;

    public const uint DescriptorSignature = 0x08074b50;

    public const uint CentralHeaderSignature = 0x02014b50;
    public const int CentralHeaderLength = 46;
    public const int CentralFlags = 8;
    public const int CentralMethod = 10;
    public const int CentralCrc = 16;
    public const int CentralCompressedSize = 20;
    public const int CentralSize = 24;
    public const int CentralNameLength = 28;
    public const int CentralExtraLength = 30;
    public const int CentralCommentLength = 32;
    public const int CentralDisk = 34;
    public const int CentralHeaderOffset = 42;

    public const uint EndSignature = 0x06054b50;
    public const int EndLength = 22;
    public const int EndDisk = 4;
    public const int EndCountOnDisk = 8;
    public const int EndCount = 10;
    public const int EndDirectorySize = 12;
    public const int EndDirectoryOffset = 16;
    public const int EndCommentLength = 20;

    public const uint Zip64LocatorSignature = 0x07064b50;
    public const int Zip64LocatorLength = 20;
    public const int Zip64LocatorEndOffset = 8;

    public const uint Zip64EndSignature = 0x06064b50;
    public const int Zip64EndLength = 56;
    public const int Zip64EndRecordSize = 4;
    public const int Zip64EndCountOnDisk = 24;
    public const int Zip64EndCount = 32;
    public const int Zip64EndDirectorySize = 40;
    public const int Zip64EndDirectoryOffset = 48;

    public const ushort Zip64ExtraId = 0x0001;

    /// <summary>"FB": the extra field by which PyTorch pads entries to its alignment (caffe2/serialize/inline_container.cc, <c>getPadding</c>).</summary>
    public const ushort PaddingExtraId = 0x4246;

    /// <summary>The byte that PyTorch pads with (the same <c>getPadding</c>).</summary>
    public const byte PaddingByte = (byte)'Z';

    /// <summary>Bytes on whose multiples PyTorch has entries start (caffe2/serialize/inline_container.h, <c>kFieldAlignment</c>).</summary>
    public const int Alignment = 64;

    public const ushort EncryptedFlag = 0x0001;
    public const ushort DescriptorFlag = 0x0008;
    public const ushort Stored = 0;

    /// <summary>In a 16- or 32-bit field: the number stands in the zip64 record.</summary>
    public const ushort Escape16 = ushort.MaxValue;
    public const uint Escape32 = uint.MaxValue;
}
