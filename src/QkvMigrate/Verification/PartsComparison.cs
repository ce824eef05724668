using System.Text.Json;
using QkvMigrate.Folders;

namespace QkvMigrate.Verification;

/// <summary>Holds the record by which the parts of a run in place know of each other against the tree in which it stands.</summary>
/// <param name="root">The second directory.</param>
/// <param name="log">Takes the differences.</param>
/// <param name="proofs">Takes what was compared, and what was not.</param>
internal sealed class PartsComparison(string root, DifferenceLog log, ProofLog proofs)
{
    private const int NameDigits = 16;
    private const string Extension = ".json";

    /// <summary>Whether a file is called as such a record is.</summary>
    public static bool IsName(string name) =>
        name.StartsWith(RecordNames.Parts, StringComparison.Ordinal)
        && name.EndsWith(Extension, StringComparison.Ordinal)
        && name[RecordNames.Parts.Length..^Extension.Length] is { Length: NameDigits } digits
        && digits.All(char.IsAsciiHexDigitLower);

    /// <summary>Compares a record.</summary>
    /// <param name="path">Its path below the root.</param>
    public void Compare(string path)
    {
        var place = $"record '{path}'";
        using var record = RecordFile.Read(Path.Combine(root, path), place, RecordForm.Parts, log);
        if (record is null)
        {
            return;
        }

        if (Problem(record.RootElement, Path.Combine(root, Path.GetDirectoryName(path)!)) is { } problem)
        {
            log.Add(place, problem);
        }

        proofs.Cover("record of parts", $"{path}: its form, and that each directory which it deals is there");
        proofs.LeaveOut("record of parts", $"{path}: which part has done what");
    }

    private static string? Problem(JsonElement record, string tree)
    {
        try
        {
            var count = record.GetProperty("count").GetInt32();
            foreach (var unit in record.GetProperty("units").EnumerateArray())
            {
                var (path, part) = (unit.GetProperty("path").GetString()!, unit.GetProperty("part").GetInt32());
                if (part < 1 || part > count)
                {
                    return $"it deals '{path}' to part {part} of {count}";
                }

                if (!RecordComparison.IsWithin(tree, path, out var full) || !Directory.Exists(full))
                {
                    return $"it deals '{path}', which is no directory of this tree";
                }
            }

            return null;
        }
        catch (Exception error) when (error is KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            return "it is no record of qkvmigrate";
        }
    }
}
