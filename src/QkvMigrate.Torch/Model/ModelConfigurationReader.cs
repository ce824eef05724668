using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Torch.Model;

/// <summary>Reads the configuration of a model that is to be computed: what the model here does not do is refused.</summary>
public static class ModelConfigurationReader
{
    /// <summary>The files of a checkpoint's directory that can have the configuration, the best first.</summary>
    public static IReadOnlyList<string> FileNames => ModelFields.FileNames;

    /// <summary>The configuration of the checkpoints in <paramref name="directory"/>, or null where none lies there.</summary>
    /// <exception cref="MigrationException">It cannot be read, or asks for something that the model here does not do.</exception>
    public static ModelConfiguration? Find(string directory) =>
        FileNames.Select(name => Path.Combine(directory, name)).FirstOrDefault(File.Exists) is { } path ? Read(path) : null;

    /// <summary>Reads the file at <paramref name="path"/>.</summary>
    /// <exception cref="MigrationException">It cannot be read, or asks for something that the model here does not do.</exception>
    public static ModelConfiguration Read(string path)
    {
        try
        {
            return Checked(ModelFields.Read(path, UnsupportedFeatures.Refuse));
        }
        catch (MigrationException error)
        {
            throw error.InFile(path);
        }
    }

    /// <summary>Reads the configuration from its text.</summary>
    /// <exception cref="MigrationException">As <see cref="Read"/>.</exception>
    public static ModelConfiguration Parse(string text) => Checked(ModelFields.Parse(text, UnsupportedFeatures.Refuse));

    private static ModelConfiguration Checked(ModelConfiguration configuration)
    {
        UnsupportedFeatures.Refuse(configuration);
        return configuration;
    }
}
