using System.Text.RegularExpressions;
using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Files;

namespace QkvMigrate.Checkpoints;

/// <summary>
/// Checkpoints whose weights are cut over the files of several processes: folders of <c>torch.distributed.checkpoint</c>
/// (which Fabric and FSDP write) and of DeepSpeed. No file of theirs is a model, so none is read; what joins them is named.
/// </summary>
internal static partial class DistributedCheckpoint
{
    /// <summary>No name of a file, which has 255 bytes at most, takes as long.</summary>
    private const int MatchMilliseconds = 1000;

    private const string Index = ".metadata";
    private const string FabricsState = "meta.pt";
    private const string JoiningScript = "zero_to_fp32.py";
    private const string ThenUpgrade = "makes one file of it, which can be upgraded";

    /// <summary>Why <paramref name="directory"/> is refused as a whole, where it is such a folder, and null elsewhere.</summary>
    /// <param name="directory">The folder, as the user is to read it.</param>
    public static MigrationException? RefusalOfFolder(string directory)
    {
        try
        {
            return RefusalOfFolder(directory, [.. new DirectoryInfo(directory).EnumerateFiles().Select(file => file.Name)]);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>As <see cref="RefusalOfFolder(string)"/>, for who has listed the folder already.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="files">The names of the files in it.</param>
    public static MigrationException? RefusalOfFolder(string directory, IReadOnlyCollection<string> files)
    {
        var shards = files.Count(IsShard);
        var parts = files.Count(file => ZeroPart().IsMatch(file));
        var ranks = files.Select(file => ModelRank().Match(file)).Where(match => match.Success).Select(match => match.Groups["rank"].Value).Distinct().Count();
        if (shards > 0)
        {
            return Refusal($"this folder is a distributed checkpoint, with its weights cut over {shards} .distcp files; {JoinShards(directory, files)}");
        }

        const string deepSpeed = "this folder is a checkpoint of DeepSpeed, with its weights";
        if (ranks > 1)
        {
            return Refusal($"{deepSpeed} cut over {ranks} ranks of a parallel model; the program that wrote it has to join them");
        }

        return parts > 0 ? Refusal($"{deepSpeed} or optimizer cut over {parts} files; {JoinParts(directory)}") : null;

        MigrationException Refusal(string problem) => new(FailureKind.Distributed, problem, directory);
    }

    /// <summary>Why a file is refused that is a part of such a folder, and null where it is none.</summary>
    public static MigrationException? RefusalOfFile(SourceFile source)
    {
        var name = Path.GetFileName(source.Path);
        if (IsShard(name))
        {
            return Refusal($"this is one file of a distributed checkpoint; {JoinShards("FOLDER", [Index])}");
        }

        if (ZeroPart().IsMatch(name))
        {
            return Refusal($"this is one rank's part of a checkpoint of DeepSpeed; {JoinParts("FOLDER")}");
        }

        const string several = "these are several files of torch.save, one behind the other, as a distributed checkpoint (.distcp) has them";
        return ZipSequence.Matches(source) ? Refusal($"{several}; {JoinShards("FOLDER", [Index])}") : null;

        MigrationException Refusal(string problem) => new(FailureKind.Distributed, problem, source.Path);
    }

    private static bool IsShard(string name) => name.EndsWith(".distcp", StringComparison.Ordinal);

    private static string JoinShards(string directory, IReadOnlyCollection<string> files)
    {
        if (!files.Contains(Index))
        {
            return $"its {Index} is missing, without which they cannot be joined";
        }

        var folder = Quoted(directory);
        var byTorch = $"'python -m torch.distributed.checkpoint.format_utils dcp_to_torch {folder} FILE'";
        return files.Contains(FabricsState)
            ? $"'python -m lightning.fabric.utilities.consolidate_checkpoint {folder}' or {byTorch} {ThenUpgrade}"
            : $"{byTorch} {ThenUpgrade}";
    }

    /// <summary>DeepSpeed leaves a script beside the folders of its steps, and Lightning beside the one that it has.</summary>
    private static string JoinParts(string directory)
    {
        var parent = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)));
        var home = new[] { directory, parent }.FirstOrDefault(folder => folder is not null && File.Exists(Path.Combine(folder, JoiningScript)));
        return home is null
            ? $"'python {JoiningScript} FOLDER FILE', with the script that DeepSpeed leaves beside it, {ThenUpgrade}"
            : $"'python {Quoted(Path.Combine(home, JoiningScript))} {Quoted(home)} FILE' {ThenUpgrade}";
    }

    /// <summary>A path as a shell takes it for one word.</summary>
    private static string Quoted(string path) =>
        Plain().IsMatch(path) ? path : $"\"{SpecialInQuotes().Replace(path, "\\$0")}\"";

    /// <summary>What a shell gives a meaning to within double quotes.</summary>
    [GeneratedRegex(@"[\\""$`]", RegexOptions.CultureInvariant, MatchMilliseconds)]
    private static partial Regex SpecialInQuotes();

    /// <summary>What ZeRO writes for each process: its share of the optimizer, and of the weights at stage 3.</summary>
    [GeneratedRegex(
        @"^(?:[a-z0-9]+_)?zero_pp_rank_[0-9]+_mp_rank_[0-9]+_?(?:model|optim)_states\.pt$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        MatchMilliseconds)]
    private static partial Regex ZeroPart();

    /// <summary>What each rank of a tensor parallel model writes.</summary>
    [GeneratedRegex(@"^mp_rank_(?<rank>[0-9]+)_model_states\.pt$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, MatchMilliseconds)]
    private static partial Regex ModelRank();

    [GeneratedRegex(@"^[\w@%+=:,./-]+\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, MatchMilliseconds)]
    private static partial Regex Plain();
}
