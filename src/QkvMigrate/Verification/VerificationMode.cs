namespace QkvMigrate.Verification;

/// <summary>How much of two files is compared.</summary>
public enum VerificationMode
{
    /// <summary>
    /// Names, shapes, strides, the whole pickle and every header of the zip; all bytes of small entries; of large ones
    /// the ends, and the first and last row of each head that moved. It reads a few thousandths of a large file.
    /// </summary>
    Quick,

    /// <summary>Every byte, and every CRC-32.</summary>
    Full,
}
