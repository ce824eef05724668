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
    private const int MaximumBytes = 16 << 20;
    private const int NameDigits = 32;

    /// <summary>The results that the manifest names, by their paths below the root, with their digests.</summary>
    private readonly Dictionary<string, string> results = new(StringComparer.Ordinal);

    /// <summary>Compares the folder of records and the checksums beside it.</summary>
    public void Compare()
    {
        var folder = Path.Combine(root, RecordNames.Folder);
        var count = 0;
        foreach (var path in Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var name = Path.GetRelativePath(folder, path);
            if (name is "manifest" or "reports" && FileIdentity.OfLink(path) is { IsDirectory: true })
            {
                continue;
            }

            var isRecord = name == "tree.json" || (Path.GetDirectoryName(name) is "manifest" or "reports" && IsRecordName(Path.GetFileName(name)));
            if (!isRecord)
            {
                log.Add(Place(name), "qkvmigrate keeps no record of this name");
            }
            else if (Read(path, name) is { } record)
            {
                using (record)
                {
                    count++;
                    if (name.StartsWith("manifest", StringComparison.Ordinal))
                    {
                        Results(record.RootElement, name);
                    }
                }
            }
        }

        proofs.Cover("records", $"{count} in {RecordNames.Folder}: their names, and that each result which they name is there in its size");
        proofs.LeaveOut("records", "what they say of sources, options, times and digests; `qkvmigrate report` and `sha256sum -c` look at that");
        Checksums();
    }

    private static bool IsRecordName(string name) =>
        name.Length == NameDigits + ".json".Length && name.EndsWith(".json", StringComparison.Ordinal) && name[..NameDigits].All(char.IsAsciiHexDigitLower);

    private static string Place(string name) => $"record '{Path.Combine(RecordNames.Folder, name)}'";

    private JsonDocument? Read(string path, string name)
    {
        try
        {
            var record = JsonDocument.Parse(SourceFile.ReadAll(path, MaximumBytes, "a record"));
            if (record.RootElement.ValueKind == JsonValueKind.Object && record.RootElement.TryGetProperty("schemaVersion", out _))
            {
                return record;
            }

            record.Dispose();
            log.Add(Place(name), "it is no record of qkvmigrate");
        }
        catch (JsonException)
        {
            log.Add(Place(name), "it is no JSON");
        }
        catch (MigrationException error)
        {
            log.Add(Place(name), error.Problem);
        }

        return null;
    }

    /// <summary>Each file or link of a finished unit.</summary>
    private void Results(JsonElement record, string name)
    {
        try
        {
            var unit = record.GetProperty("path").GetString()!;
            if (record.GetProperty("state").GetString() != "finished")
            {
                return;
            }

            foreach (var result in record.GetProperty("result").EnumerateArray())
            {
                var path = Path.Combine(unit, result.GetProperty("path").GetString()!);
                var (bytes, link) = (result.GetProperty("bytes").GetInt64(), result.TryGetProperty("link", out var text) ? text.GetString() : null);
                var full = Path.GetFullPath(Path.Combine(root, path));
                if (!full.StartsWith(Path.TrimEndingDirectorySeparator(Path.GetFullPath(root)) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
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
            if (!SourceFile.Holds(path, System.Text.Encoding.UTF8.GetBytes(string.Concat(lines))))
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
