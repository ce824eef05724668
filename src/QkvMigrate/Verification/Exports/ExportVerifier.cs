using System.Diagnostics;
using QkvMigrate.Checkpoints;
using QkvMigrate.Folders;

namespace QkvMigrate.Verification.Exports;

/// <summary>
/// Proves that a folder is the export of a checkpoint, from the files alone and by the verifier's own tables: every byte of every
/// tensor is accounted for, and nothing is left over.
/// </summary>
internal static class ExportVerifier
{
    private static readonly string[] Marks = [ExportedFolder.SingleName, ExportedFolder.IndexName, ExportedFolder.AdapterName, AdapterComparison.ConfigurationName, ExportedDocuments.ConfigurationName];

    /// <summary>
    /// Whether a folder is to be taken for an export: it has a file as Hugging Face's models have them, and no checkpoint with
    /// LitGPT's fused names, as the upgrade of a checkpoint beside such files has.
    /// </summary>
    public static bool IsOne(string folder)
    {
        if (!Directory.Exists(folder) || FolderListing.Of(folder).Files is not { } files || !files.Any(Marks.Contains))
        {
            return false;
        }

        return !files.Where(file => FolderListing.LooksLikeCheckpoint(Path.Combine(folder, file))).Any(file => HasFusedNames(Path.Combine(folder, file)));
    }

    /// <summary>Verifies an export of the checkpoint at a path, a file or a directory.</summary>
    /// <param name="original">The checkpoint.</param>
    /// <param name="isSelected">Which files of the directory are looked at, by their names.</param>
    /// <param name="folder">What must be its export.</param>
    /// <param name="configuration">LitGPT's configuration, where it is not beside the checkpoint; or null.</param>
    /// <param name="mode">How much is compared.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static VerificationReport Verify(
        string original,
        Func<string, bool> isSelected,
        string folder,
        string? configuration,
        VerificationMode mode,
        CancellationToken cancellation)
    {
        if (!Directory.Exists(folder))
        {
            return new VerificationReport { Original = original, Upgraded = folder, Mode = mode, Differences = [new Difference("folder", "it is not there")], DifferenceCount = 1 };
        }

        try
        {
            using var model = OriginalModel.Open(original, isSelected);
            return Verify(model, folder, configuration, mode, cancellation) with { Original = original };
        }
        catch (MigrationException error)
        {
            return new VerificationReport { Original = original, Upgraded = folder, Mode = mode, Error = error.InFile(original) };
        }
    }

    /// <summary>Verifies an export of a checkpoint that is open.</summary>
    /// <param name="files">The checkpoint: one file, or the shards of one model.</param>
    /// <param name="directory">Where its configuration and tokenizer lie.</param>
    /// <param name="folder">What must be its export.</param>
    /// <param name="configuration">LitGPT's configuration, where it is not beside the checkpoint; or null.</param>
    /// <param name="mode">How much is compared.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="MigrationException">The checkpoint cannot be read or understood.</exception>
    public static VerificationReport Verify(
        IReadOnlyList<Checkpoint> files,
        string directory,
        string folder,
        string? configuration,
        VerificationMode mode,
        CancellationToken cancellation)
    {
        using var model = OriginalModel.Of(files, directory);
        return Verify(model, folder, configuration, mode, cancellation);
    }

    private static VerificationReport Verify(
        OriginalModel original,
        string folder,
        string? configuration,
        VerificationMode mode,
        CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var model = VerifiedConfiguration.Read(configuration, original.Directory);
        var log = new DifferenceLog();
        using var exported = ExportedFolder.Open(folder, log);
        var report = new VerificationReport
        {
            Original = original.Files[0].Source.Path,
            Upgraded = folder,
            Mode = mode,
            Geometry = model.Geometry,
            Coverage = new VerificationCoverage { Tensors = original.Tensors.Count, Regions = exported.Tensors.Count, TotalBytes = exported.WeightBytes },
        };
        var compared = AdapterComparison.IsOne(original)
            ? new AdapterComparison(original, model, exported, log, cancellation).Run()
            : new ModelComparison(original, model, exported, mode, log, cancellation).Run();
        if (mode == VerificationMode.Full)
        {
            CheckSums(original, cancellation);
        }

        foreach (var name in exported.Left.Order(StringComparer.Ordinal))
        {
            log.Add($"file '{name}'", "it is of no use in an export, and of no file of the checkpoint");
        }

        return Told(exported.Tensors.Count, exported.WeightBytes, compared.Bytes).AddedTo(report with
        {
            Exported = compared.Family?.Architecture,
            Coverage = report.Coverage with { ComparedBytes = compared.Bytes },
            Differences = log.First,
            DifferenceCount = log.Count,
            Elapsed = watch.Elapsed,
        });
    }

    private static ProofLog Told(int tensors, long bytes, long compared)
    {
        var proofs = new ProofLog();
        proofs.Cover("tensors", $"{tensors}: names, dtypes, shapes");
        proofs.Cover("bytes", compared == bytes ? $"all {bytes} of the tensors" : $"{compared} of {bytes} of the tensors");
        proofs.Cover("other files", "configuration, index and tokenizer, by the verifier's own table of families; no file too many");
        if (compared < bytes)
        {
            proofs.LeaveOut("bytes", $"{bytes - compared} within large tensors");
        }

        return proofs;
    }

    /// <summary>Holds the checkpoint against its own checksums, which an export does not carry.</summary>
    /// <exception cref="MigrationException">It is damaged.</exception>
    private static void CheckSums(OriginalModel original, CancellationToken cancellation)
    {
        foreach (var storage in original.Tensors.Values.Select(tensor => tensor.Storage).Distinct())
        {
            original.Files.First(file => file.Source == storage.Source).CheckSum(storage, cancellation);
        }
    }

    private static bool HasFusedNames(string path)
    {
        try
        {
            using var checkpoint = Checkpoint.Open(path);
            return checkpoint.Tensors.Any(tensor => tensor.Name is not null && FusedName.IsIn(tensor.Name.Text));
        }
        catch (MigrationException)
        {
            return false;
        }
    }
}
