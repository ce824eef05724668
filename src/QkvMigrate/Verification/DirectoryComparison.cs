using QkvMigrate.Checkpoints.Sharded;
using QkvMigrate.Configuration;

namespace QkvMigrate.Verification;

/// <summary>
/// Holds the files of a directory that are no checkpoints against each other. Those that follow the checkpoints may
/// change as these did: LitGPT's configuration, an index of shards, the hyperparameters of a LoRA. All others are copies.
/// </summary>
/// <param name="original">The first root.</param>
/// <param name="upgraded">The second root.</param>
/// <param name="checkpoints">What was found of the checkpoints in the same directory.</param>
/// <param name="log">Takes the differences.</param>
/// <param name="proofs">Takes what was compared.</param>
/// <param name="cancellation">Ends the work.</param>
internal sealed class DirectoryComparison(
    string original,
    string upgraded,
    IReadOnlyList<VerificationReport> checkpoints,
    DifferenceLog log,
    DirectoryProofs proofs,
    CancellationToken cancellation)
{
    private readonly VerifiedChange? change = checkpoints.Select(ChangeOf).FirstOrDefault(change => change is not null);
    private readonly (long Before, long After)? loraRank = checkpoints.Select(report => report.LoraRank).FirstOrDefault(rank => rank is not null);

    /// <summary>What was made of a checkpoint: a merge brings its directory up to date even where the base was.</summary>
    private static VerifiedChange? ChangeOf(VerificationReport report) => report.Change ?? (report.Coverage.MergedWeights > 0 ? VerifiedLayouts.Upgrade : null);

    /// <summary>Compares a file that one or both directories have.</summary>
    /// <param name="name">Its path below the roots.</param>
    /// <param name="isBefore">Whether the first has it.</param>
    /// <param name="isAfter">Whether the second has it.</param>
    public void Compare(string name, bool isBefore, bool isAfter)
    {
        var place = $"file '{name}'";
        try
        {
            Compare(name, place, isBefore, isAfter);
        }
        catch (MigrationException error)
        {
            log.Add(place, error.Problem);
        }
    }

    private void Compare(string name, string place, bool isBefore, bool isAfter)
    {
        var (before, after) = (Path.Combine(original, name), Path.Combine(upgraded, name));
        if (isBefore && Path.GetFileName(name) == ConfigurationComparison.JsonName)
        {
            // Where one configuration is made from the other, no name tells that it is missing.
            ConfigurationComparison.RequireMade(before, after, change, log);
        }

        if (ConfigurationComparison.IsConfiguration(name))
        {
            if (change is null && checkpoints.Any(report => report.Error is not null))
            {
                proofs.Lines.LeaveOut("configuration", $"{name}: what was made of the checkpoints beside it is not known");
                return;
            }

            ConfigurationComparison.Compare(original, upgraded, name, change, log);
            proofs.Lines.Cover("configuration", $"{name}: line by line, each field by its rule");
        }
        else if (!isAfter)
        {
            log.Add(place, "it is not in the second directory");
        }
        else if (!isBefore)
        {
            log.Add(place, "the first directory has no such file");
        }
        else if (change is not null && ShardIndex.IsNameOfOne(name))
        {
            ShardIndexComparison.Compare(before, after, change, place, log);
            proofs.Lines.Cover("index of shards", $"{name}: its JSON text, token by token and what stands between them");
        }
        else if (loraRank is { } rank && Path.GetFileName(name) == LoraHyperparameters.FileName)
        {
            HyperparameterComparison.Compare(before, after, rank.Before, rank.After, place, log);
            proofs.Lines.Cover("hyperparameters", $"{name}: line by line, each field by its rule");
        }
        else
        {
            if (FileComparison.IsLinkForFile(before, after))
            {
                proofs.Lines.LinkForFile(name);
            }

            FileComparison.Compare(original, upgraded, name, log, cancellation);
            proofs.CountCopy();
        }
    }
}
