using System.Text;
using System.Text.Json;
using QkvMigrate.Files;
using QkvMigrate.Folders;

namespace QkvMigrate.Verification;

/// <summary>
/// Holds the records that batches of this tool keep of an output against what stands there. Read here anew: no type of who
/// writes them is used. What they say of times, options and digests is not proven; <c>sha256sum -c</c> and <c>report</c> look at that.
/// </summary>
/// <param name="root">The output.</param>
/// <param name="isTold">Whether a difference of a result is told already.</param>
/// <param name="log">Takes the differences.</param>
/// <param name="proofs">Takes what was compared.</param>
internal sealed class RecordComparison(string root, Predicate<string> isTold, DifferenceLog log, ProofLog proofs)
{
    private const int NameDigits = 32;

    /// <summary>The results that the manifest names, by their paths below the root, with their digests.</summary>
    private readonly Dictionary<string, string> results = new(StringComparer.Ordinal);

    /// <summary>Compares the folder of records and the checksums beside it.</summary>
    public void Compare()
    {
        var folder = Path.Combine(root, RecordNames.Folder);
        var count = 0;
        foreach (var path in FolderEntries.AtAnyDepth(folder).Select(entry => entry.FullName).Order(StringComparer.Ordinal))
        {
            var name = Path.GetRelativePath(folder, path);
            if (name is "manifest" or "reports" && FileIdentity.OfLink(path) is { IsDirectory: true })
            {
                continue;
            }

            if (FormOf(name) is not { } form)
            {
                log.Add(Place(name), "qkvmigrate keeps no record of this name");
            }
            else if (RecordFile.Read(path, Place(name), form, log) is { } record)
            {
                using (record)
                {
                    count++;
                    Compare(record.RootElement, name, form);
                }
            }
        }

        proofs.Cover("records", $"{count} in {RecordNames.Folder}: their names and forms, and that each result which they name is there in its size");
        proofs.LeaveOut("records", "what they say of sources, options, times and digests; `qkvmigrate report` and `sha256sum -c` look at that");
        Checksums();
    }

    /// <summary>Whether a path that stands in a record leads to something below <paramref name="root"/>; its whole path.</summary>
    public static bool IsWithin(string root, string path, out string full)
    {
        var start = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        full = Path.GetFullPath(Path.Combine(root, path));
        return Path.TrimEndingDirectorySeparator(full) == start || full.StartsWith(start + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    /// <summary>What a record of this name may say; null where there is none of this name.</summary>
    private static RecordForm? FormOf(string name) =>
        name == "tree.json" ? RecordForm.Tree
        : !IsRecordName(Path.GetFileName(name)) ? null
        : Path.GetDirectoryName(name) switch
        {
            "manifest" => RecordForm.Manifest,
            "reports" => RecordForm.Report,
            _ => null,
        };

    private static bool IsRecordName(string name) =>
        name.Length == NameDigits + ".json".Length && name.EndsWith(".json", StringComparison.Ordinal) && name[..NameDigits].All(char.IsAsciiHexDigitLower);

    private static string Place(string name) => $"record '{Path.Combine(RecordNames.Folder, name)}'";

    /// <summary>A unit's record is called by the digest of its path; a manifest's entry names results.</summary>
    private void Compare(JsonElement record, string name, RecordForm form)
    {
        if (form == RecordForm.Tree)
        {
            return;
        }

        var unit = record.TryGetProperty("path", out var path) && path.ValueKind == JsonValueKind.String ? path.GetString()! : null;
        if (unit is null)
        {
            log.Add(Place(name), "it is no record of qkvmigrate");
        }
        else if (FileDigest.Of(Encoding.UTF8.GetBytes(unit))[..NameDigits] != Path.GetFileNameWithoutExtension(name))
        {
            log.Add(Place(name), $"it is that of '{unit}', which has another name");
        }
        else if (form == RecordForm.Manifest)
        {
            Results(record, unit, name);
        }
    }

    /// <summary>Each file or link of a finished unit.</summary>
    private void Results(JsonElement record, string unit, string name)
    {
        try
        {
            if (record.GetProperty("state").GetString() != "finished")
            {
                return;
            }

            foreach (var result in record.GetProperty("result").EnumerateArray())
            {
                var path = Path.Combine(unit, result.GetProperty("path").GetString()!);
                var (bytes, link) = (result.GetProperty("bytes").GetInt64(), result.TryGetProperty("link", out var text) ? text.GetString() : null);
                if (!IsWithin(root, path, out var full))
                {
                    log.Add(Place(name), $"it names '{path}', which lies outside of the output");
                }
                else if (!IsThere(full, bytes, link) && !isTold(path))
                {
                    log.Add(Place(name), $"it names the result '{path}', which is not there as it says");
                }

                if (link is null)
                {
                    // Checksums have one form on all systems.
                    results[path.Replace(Path.DirectorySeparatorChar, '/')] = result.GetProperty("sha256").GetString()!;
                }
            }
        }
        catch (Exception error) when (error is KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            log.Add(Place(name), "it is no record of qkvmigrate");
        }
    }

    private static bool IsThere(string path, long bytes, string? link) => link is null
        ? FileIdentity.Of(path) is { Special: null } found && found.Size == bytes
        : FileIdentity.OfLink(path) is { IsLink: true } && new FileInfo(path).LinkTarget == link;

    /// <summary>The checksums name the manifest's results, each with its digest, and nothing else; while results are replaced there are none.</summary>
    private void Checksums()
    {
        var path = Path.Combine(root, RecordNames.Checksums);
        if (FileIdentity.Of(path) is null)
        {
            return;
        }

        try
        {
            var lines = results.OrderBy(result => result.Key, StringComparer.Ordinal).Select(result => Line(result.Key, result.Value));
            if (!SourceFile.Holds(path, Encoding.UTF8.GetBytes(string.Concat(lines))))
            {
                log.Add($"file '{RecordNames.Checksums}'", "it does not name the results of the records beside it, each with its digest, and nothing else");
            }

            proofs.Cover("checksums", $"{RecordNames.Checksums}: that it says what the records say; the digests were not computed");
        }
        catch (MigrationException error)
        {
            log.Add($"file '{RecordNames.Checksums}'", error.Problem);
        }
    }

    /// <summary>A line as sha256sum writes it (GNU coreutils, "md5sum invocation").</summary>
    private static string Line(string path, string digest)
    {
        var escaped = path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return $"{(escaped == path ? "" : "\\")}{digest}  {escaped}\n";
    }
}
