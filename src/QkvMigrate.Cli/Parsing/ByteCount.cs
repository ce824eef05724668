using System.Globalization;

namespace QkvMigrate.Cli.Parsing;

/// <summary>
/// A number of bytes as Hugging Face's libraries read it (huggingface_hub, serialization/_base.py, <c>parse_size_to_int</c>):
/// <c>5GB</c> is 5·10⁹, <c>5GiB</c> is 5·2³⁰.
/// </summary>
internal static class ByteCount
{
    /// <summary>What is expected, in words.</summary>
    public const string Expected = "a number of bytes with its unit, such as 5GB, 200MB, 20KB or 5GiB";

    private static readonly (string Unit, long Bytes)[] Units =
    [
        ("TIB", 1L << 40), ("GIB", 1L << 30), ("MIB", 1L << 20), ("KIB", 1L << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000),
        ("", 1),
    ];

    /// <summary>Reads it; false where it is not that, or less than one byte.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        var (unit, factor) = Array.Find(Units, known => text.EndsWith(known.Unit, StringComparison.OrdinalIgnoreCase));
        var isNumber = decimal.TryParse(
            text.AsSpan(0, text.Length - unit.Length).Trim(),
            NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture,
            out var number);
        var isSize = isNumber && number <= long.MaxValue / factor && number * factor >= 1;
        bytes = isSize ? (long)(number * factor) : 0;
        return isSize;
    }

    /// <summary>Reads what <see cref="TryParse"/> takes.</summary>
    public static long Parse(string text) => TryParse(text, out var bytes) ? bytes : throw new FormatException(text);
}
