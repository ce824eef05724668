using System.Text.Json;

namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>What must hold on a disk at every moment of a run. The methods say what does not, or return null.</summary>
/// <param name="scenario">The run.</param>
/// <param name="before">The disk before it.</param>
/// <param name="after">The disk after an undisturbed one.</param>
internal sealed class Promises(Scenario scenario, DiskState before, DiskState after)
{
    private const string Records = ".qkvmigrate/";
    private const string Checksums = "SHA256SUMS";
    private const string Parts = ".qkvmigrate-parts-";
    private const string Backups = ".qkvmigrate-backups";

    private readonly IReadOnlyList<string> names = [.. before.Files.Concat(after.Files).Select(file => file.Key).Distinct().Where(name => !IsRecord(name) && !IsTemporary(name))];

    /// <summary>After a power cut.</summary>
    /// <param name="state">What the disk has.</param>
    /// <param name="isOver">Whether the run had ended before.</param>
    public string? Broken(DiskState state, bool isOver) =>
        Mixed(state) ?? Half(state) ?? Lost(state) ?? WrongRecord(state) ?? WrongChecksums(state) ?? (isOver ? NotAsAfter(state) : null);

    /// <summary>After the next run.</summary>
    public string? BrokenAfterRecovery(DiskState state)
    {
        var left = state.Entries.Keys.FirstOrDefault(IsTemporary);
        return left is not null ? $"{left} is left" : Broken(state, isOver: true) ?? OtherRecords(state);
    }

    /// <summary>Each name has the old file or the new one, and there are no others.</summary>
    private string? Mixed(DiskState state) =>
        names.Where(name => state[name] != before[name] && state[name] != after[name]).Select(name => $"{name} is neither old nor new: {Told(state, name)}")
            .Concat(state.Files.Select(file => file.Key).Where(name => !IsRecord(name) && !IsTemporary(name) && before[name] is null && after[name] is null).Select(name => $"{name} is nobody's"))
            .FirstOrDefault();

    /// <summary>A new folder is there as a whole.</summary>
    private string? Half(DiskState state) =>
        scenario.IsWhole && state.Entries.ContainsKey(scenario.Output!)
            ? names.Where(name => name.StartsWith($"{scenario.Output}/", StringComparison.Ordinal) && state[name] is null).Select(name => $"{name} is not in its folder").FirstOrDefault()
            : null;

    /// <summary>With a backup, the old file is there under one of two names.</summary>
    private string? Lost(DiskState state) =>
        scenario.BackupSuffix is { } suffix
            ? before.Files.Where(file => file.Value != state[file.Key] && file.Value != state[file.Key + suffix]).Select(file => $"{file.Key} is gone").FirstOrDefault()
            : null;

    /// <summary>Every record can be read, and what one calls finished is there.</summary>
    private static string? WrongRecord(DiskState state)
    {
        foreach (var (name, entry) in state.Entries.Where(entry => entry.Value.Node.Kind == NodeKind.File && IsRecord(entry.Key) && !IsTemporary(entry.Key) && Path.GetFileName(entry.Key) != Checksums))
        {
            try
            {
                using var record = JsonDocument.Parse(entry.Content.Bytes);
                if (record.RootElement.TryGetProperty("state", out var word) && word.GetString() == "finished" && Unfinished(state, name, record.RootElement) is { } missing)
                {
                    return $"{name} is not true of {missing}";
                }
            }
            catch (JsonException error)
            {
                return $"{name} cannot be read: {error.Message}";
            }
        }

        return null;
    }

    /// <summary>A file that a manifest's entry calls finished, and that is not there.</summary>
    private static string? Unfinished(DiskState state, string manifest, JsonElement entry)
    {
        var unit = Path.Combine(manifest[..manifest.IndexOf(Records, StringComparison.Ordinal)], entry.GetProperty("path").GetString()!);
        return entry.GetProperty("result").EnumerateArray()
            .Select(file => (
                Path: Path.Combine(unit, file.GetProperty("path").GetString()!),
                Value: file.GetProperty("link").GetString() is { } text ? $"-> {text}" : file.GetProperty("sha256").GetString()))
            .Where(file => state[file.Path] != file.Value)
            .Select(file => file.Path)
            .FirstOrDefault();
    }

    /// <summary>The checksums are those of files that are there.</summary>
    private static string? WrongChecksums(DiskState state) =>
        state.Entries.Where(entry => Path.GetFileName(entry.Key) == Checksums)
            .SelectMany(list => System.Text.Encoding.UTF8.GetString(list.Value.Content.Bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Where(line => line.Split("  ", 2) is not [{ Length: 64 } digest, var file] || state[Path.Combine(Path.GetDirectoryName(list.Key)!, file)] != digest)
                .Select(line => $"{list.Key} is not true: {line}"))
            .FirstOrDefault();

    /// <summary>All names have what an undisturbed run gives them.</summary>
    private string? NotAsAfter(DiskState state) =>
        names.Append(scenario.Output is null ? "" : $"{scenario.Output}/{Checksums}").Where(name => state[name] != after[name]).Select(name => $"{name} is not new though the run has ended: {Told(state, name)}").FirstOrDefault();

    /// <summary>The records that tell of results are those of an undisturbed run.</summary>
    private string? OtherRecords(DiskState state)
    {
        var kept = after.Files.Concat(state.Files).Select(file => file.Key).Distinct().Where(name => name.Contains($"{Records}manifest/", StringComparison.Ordinal) && !IsTemporary(name));
        return kept.Where(name => state[name] != after[name]).Select(name => $"{name} is another record than that of an undisturbed run").FirstOrDefault();
    }

    private static string Told(DiskState state, string name) =>
        !state.Entries.TryGetValue(name, out var entry) ? "it is not there" : entry.Node.Kind == NodeKind.File ? $"{entry.Content.Bytes.Length} bytes" : entry.Value;

    private static bool IsRecord(string name) =>
        name.StartsWith(Records, StringComparison.Ordinal) || name.Contains($"/{Records}", StringComparison.Ordinal) || Path.GetFileName(name) is Checksums or Backups || Path.GetFileName(name).StartsWith(Parts, StringComparison.Ordinal);

    private static bool IsTemporary(string name) =>
        name.Split('/').Any(part => part.StartsWith('.') && (part.EndsWith(".qkvmigrate-tmp", StringComparison.Ordinal) || part.EndsWith(".qkvmigrate-lock", StringComparison.Ordinal)));
}
