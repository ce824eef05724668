namespace QkvMigrate.Files.Systems;

/// <summary>
/// Names that Windows gives to devices, takes for another name or for a stream in a file (Naming Files, Paths, and Namespaces). A file that
/// was written under a temporary name would get such a name wrongly, or never.
/// </summary>
internal static class ReservedNames
{
    private const string Unusable = "<>:\"|?*";
    private static readonly string[] Devices = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    private static readonly string[] NumberedDevices = ["COM", "LPT"];

    /// <summary>Why the last name of a path cannot be a file's, or null.</summary>
    public static string? Problem(string path)
    {
        var whole = path.TrimEnd('\\', '/');
        var name = whole[(whole.AsSpan().LastIndexOfAny('\\', '/') + 1)..];
        if (name is "." or "..")
        {
            return null;
        }

        if (name.Length == whole.Length && name is [var letter, ':', .. var behindDrive] && char.IsAsciiLetter(letter))
        {
            name = behindDrive;
        }

        return name.Any(character => character < ' ' || Unusable.Contains(character, StringComparison.Ordinal)) ? $"no file of Windows can have one of {Unusable} in its name"
            : name.EndsWith('.') || name.EndsWith(' ') ? "Windows leaves off a dot or a space at the end of a name"
            : IsDevice(name.Split('.')[0].TrimEnd()) ? "Windows has this name for a device"
            : null;
    }

    private static bool IsDevice(string name) =>
        Devices.Contains(name, StringComparer.OrdinalIgnoreCase)
        || (name.Length == 4 && NumberedDevices.Contains(name[..3], StringComparer.OrdinalIgnoreCase) && (char.IsAsciiDigit(name[3]) || name[3] is '¹' or '²' or '³'));
}
