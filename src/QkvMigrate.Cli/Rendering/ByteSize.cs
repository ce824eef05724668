namespace QkvMigrate.Cli.Rendering;

/// <summary>Sizes as people read them.</summary>
internal static class ByteSize
{
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB"];

    /// <summary>1,234,567 bytes become <c>1.23 MB</c>; powers of 1000, as <c>ls --si</c> and disks count.</summary>
    public static string Text(long bytes)
    {
        var value = (double)bytes;
        var unit = 0;
        for (; value >= 999.5 && unit < Units.Length - 1; unit++)
        {
            value /= 1000;
        }

        return unit == 0 ? $"{bytes} B" : $"{value.ToString(value < 9.995 ? "0.00" : value < 99.95 ? "0.0" : "0")} {Units[unit]}";
    }
}
