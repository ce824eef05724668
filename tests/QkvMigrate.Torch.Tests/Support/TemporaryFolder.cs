namespace QkvMigrate.Torch.Tests.Support;

/// <summary>A temporary folder of one test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-tests-");

    /// <summary>A path in the folder.</summary>
    public string At(params string[] names) => Path.Combine([folder.FullName, .. names]);

    /// <summary>Writes a text file into the folder, and gives its path.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    public void Dispose() => folder.Delete(recursive: true);
}
