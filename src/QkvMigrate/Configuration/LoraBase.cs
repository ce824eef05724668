using QkvMigrate.Files;

namespace QkvMigrate.Configuration;

/// <summary>Finds the model that a LoRA was trained on.</summary>
internal static class LoraBase
{
    /// <summary>The name of a model in its directory, in all of LitGPT's layouts.</summary>
    public const string FileName = "lit_model.pth";

    /// <summary>Where LitGPT looks for models by default (litgpt/utils.py, <c>extend_checkpoint_dir</c>).</summary>
    private const string DefaultParent = "checkpoints";

    /// <summary>The base's file: the one that the user names, or else <c>checkpoint_dir</c> in <c>hyperparameters.yaml</c> beside the LoRA.</summary>
    /// <param name="lora">The LoRA's file.</param>
    /// <param name="named">The file or directory that the user names, or null.</param>
    /// <exception cref="MigrationException">Neither names one, it is not there, or it is the merged model beside the LoRA.</exception>
    public static string Find(string lora, string? named)
    {
        var directory = FilePlace.DirectoryOf(lora);
        var path = named is not null ? InDirectory(named) : ByHyperparameters(directory);
        if (FileIdentity.Of(path) is null)
        {
            throw new MigrationException(FailureKind.Io, named is null
                ? $"the base that checkpoint_dir in {LoraHyperparameters.FileName} names is not there "
                    + "(seen from the working directory, as LitGPT sees it); --lora-base PATH names it"
                : "the base of the LoRA is not there", path);
        }

        return FileIdentity.AreSame(Path.Combine(directory, FileName), path)
            ? throw new MigrationException(
                FailureKind.Usage,
                $"{FileName} beside a LoRA is the merged model, which LitGPT's fine-tuning leaves there, and not its base; --lora-base PATH names the base",
                path)
            : path;
    }

    /// <summary>The same, or null where the base cannot be found, as where it is in the LoRA's own file.</summary>
    public static string? TryFind(string lora, string? named)
    {
        try
        {
            return Find(lora, named);
        }
        catch (MigrationException)
        {
            return null;
        }
    }

    private static string ByHyperparameters(string directory)
    {
        var said = LoraHyperparameters.Find(directory)?.CheckpointDirectory ?? throw new MigrationException(
            FailureKind.Usage,
            $"the base of this LoRA is not known: no checkpoint_dir in a {LoraHyperparameters.FileName} beside the file; --lora-base PATH names it");
        var byDefault = Path.Combine(DefaultParent, said);
        return InDirectory(!Directory.Exists(said) && Directory.Exists(byDefault) ? byDefault : said);
    }

    private static string InDirectory(string path) => Directory.Exists(path) ? Path.Combine(path, FileName) : path;
}
