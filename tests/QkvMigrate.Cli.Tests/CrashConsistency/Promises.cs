using System.Text;
using System.Text.Json;

namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>What must hold on a disk at every moment of a run. The methods say what does not, or return null.</summary>
/// <param name="scenario">The run.</param>
/// <param name="before">The disk before it.</param>
/// <param name="after">The disk after an undisturbed one.</param>
/// <param name="ends">What else a file may hold at the end: the old and the new one, where the run is a recovery.</param>
internal sealed class Promises(Scenario scenario, DiskState before, DiskState after, IReadOnlyList<string> ends)
{
    private const string Records = ".qkvmigrate/";
    private const string Checksums = "SHA256SUMS";
    private const string InPlace = ".qkvmigrate-inplace";
    private const string Journal = ".qkvmigrate-journal";
    private const string Parts = ".qkvmigrate-parts-";
    private const string Backups = ".qkvmigrate-backups";

    private static readonly string[] Endings = [".qkvmigrate-tmp", ".qkvmigrate-lock", InPlace, Journal];

    /// <summary>All files but records and what is temporary.</summary>
    private readonly IReadOnlyList<string> names = [.. before.Files.Concat(after.Files).Select(file => file.Key).Distinct().Where(IsOfUser)];

    /// <summary>After a power cut.</summary>
    /// <param name="state">What the disk has.</param>
    /// <param name="isOver">Whether the run had ended before.</param>
    public string? Broken(DiskState state, bool isOver) =>
        Mixed(state) ?? Half(state) ?? Lost(state) ?? WrongRecord(state) ?? WrongChecksums(state) ?? (isOver ? NotAsAfter(state) : null);

    /// <summary>After the next run.</summary>
    public string? BrokenAfterRecovery(DiskState state)
    {
        var left = state.Entries.Keys.FirstOrDefault(IsTemporary);
        return left is not null ? $"{left} is left"
            : scenario.IsJournaled ? Mixed(state) ?? (state[scenario.Source] is null ? $"{scenario.Source} is gone" : null)
            : Broken(state, isOver: true);
    }

    /// <summary>Each name has the old file or the new one, and there are no others.</summary>
    private string? Mixed(DiskState state)
    {
        var mixed = names.FirstOrDefault(name => !IsOne(name, state[name]) && !IsAway(state, name));
        var strange = state.Files.Select(file => file.Key).FirstOrDefault(name => IsOfUser(name) && before[name] is null && after[name] is null);
        return mixed is not null ? $"{mixed} is neither old nor new: {Told(state, mixed)}" : strange is not null ? $"{strange} is nobody's" : null;
    }

    /// <summary>Whether a name has what it had before, or has after an undisturbed run; a recovery may end in either.</summary>
    private bool IsOne(string name, string? value) => value == before[name] || value == after[name] || (value is not null && ends.Contains(value));

    /// <summary>Whether the file is under another name, because it is being changed, and its journal is there.</summary>
    private bool IsAway(DiskState state, string name) =>
        scenario.IsJournaled && state[name] is null && state[$".{name}{InPlace}"] is not null && state[$".{name}{Journal}"] is not null;

    /// <summary>A new folder is there as a whole.</summary>
    private string? Half(DiskState state)
    {
        var isThere = scenario.IsWhole && state.Entries.ContainsKey(scenario.Output!);
        var missing = names.FirstOrDefault(name => isThere && name.StartsWith($"{scenario.Output}/", StringComparison.Ordinal) && state[name] is null);
        return missing is null ? null : $"{missing} is not in its folder";
    }

    /// <summary>With a backup, the old file is there under one of two names.</summary>
    private string? Lost(DiskState state) => scenario.BackupSuffix is not { } suffix ? null : before.Files
        .Where(file => file.Value != state[file.Key] && file.Value != state[file.Key + suffix])
        .Select(file => $"{file.Key} is gone")
        .FirstOrDefault();

    /// <summary>Every record can be read, and what one calls finished is there.</summary>
    private static string? WrongRecord(DiskState state)
    {
        foreach (var (name, entry) in state.Entries.Where(entry => entry.Value.Node.Kind == NodeKind.File && IsRecord(entry.Key) && !IsTemporary(entry.Key)))
        {
            if (Path.GetFileName(name) == Checksums)
            {
                continue;
            }

            try
            {
                using var record = JsonDocument.Parse(entry.Content.Bytes);
                var isFinished = record.RootElement.TryGetProperty("state", out var word) && word.GetString() == "finished";
                if (isFinished && Unfinished(state, name, record.RootElement) is { } missing)
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
    private string? WrongChecksums(DiskState state)
    {
        if (scenario.Output is null || !state.Entries.TryGetValue($"{scenario.Output}/{Checksums}", out var list))
        {
            return null;
        }

        var lines = Encoding.UTF8.GetString(list.Content.Bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var wrong = lines.FirstOrDefault(line => line.Split("  ", 2) is not [{ Length: 64 } digest, var file] || state[$"{scenario.Output}/{file}"] != digest);
        return wrong is null ? null : $"{Checksums} is not true: {wrong}";
    }

    /// <summary>All names have what an undisturbed run gives them, all records are there, and no change in place is left.</summary>
    private string? NotAsAfter(DiskState state)
    {
        var missing = after.Files.Select(file => file.Key).FirstOrDefault(name => !IsTemporary(name) && state[name] is null);
        var other = names.Append($"{scenario.Output}/{Checksums}").Concat(Entries(state)).FirstOrDefault(name => state[name] != after[name]);
        var left = state.Entries.Keys.FirstOrDefault(name => Endings[^2..].Any(ending => name.EndsWith(ending, StringComparison.Ordinal)));
        return missing is not null ? $"{missing} is not there though the run has ended"
            : other is not null ? $"{other} is not new though the run has ended: {Told(state, other)}"
            : left is not null ? $"{left} is left though the run has ended"
            : null;
    }

    /// <summary>The entries of manifests: the records that tell of results, and that are the same whenever they are written.</summary>
    private IEnumerable<string> Entries(DiskState state) =>
        after.Files.Concat(state.Files).Select(file => file.Key).Distinct()
            .Where(name => name.Contains($"{Records}manifest/", StringComparison.Ordinal) && !IsTemporary(name));

    private static string Told(DiskState state, string name) =>
        !state.Entries.TryGetValue(name, out var entry) ? "it is not there"
        : entry.Node.Kind == NodeKind.File ? $"{entry.Content.Bytes.Length} bytes"
        : entry.Value;

    private static bool IsOfUser(string name) => !IsRecord(name) && !IsTemporary(name);

    private static bool IsRecord(string name) =>
        name.StartsWith(Records, StringComparison.Ordinal)
        || name.Contains($"/{Records}", StringComparison.Ordinal)
        || Path.GetFileName(name) is Checksums or Backups
        || Path.GetFileName(name).StartsWith(Parts, StringComparison.Ordinal);

    private static bool IsTemporary(string name) =>
        name.Split('/').Any(part => part.StartsWith('.') && Endings.Any(ending => part.EndsWith(ending, StringComparison.Ordinal)));
}
