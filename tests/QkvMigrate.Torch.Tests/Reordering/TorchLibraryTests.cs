using Xunit;

namespace QkvMigrate.Torch.Tests.Reordering;

public sealed class TorchLibraryTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-torch-");

    [Fact]
    public void A_missing_library_is_named()
    {
        var refused = Assert.Throws<MigrationException>(() => TorchLibrary.Load([folder.FullName, "/nowhere"]));
        Assert.Equal(FailureKind.Unavailable, refused.Kind);
        Assert.Equal($"TorchSharp's library libtorch_cpu.so is not beside the program, looked in {folder.FullName}, /nowhere; only generate, bench, verify --forward and --engine torch need it", refused.Message);
    }

    [Fact]
    public void A_library_that_does_not_load_is_told_in_the_loaders_words()
    {
        var library = Path.Combine(folder.FullName, "libtorch_cpu.so");
        File.WriteAllText(library, "not a library");
        var refused = Assert.Throws<MigrationException>(() => TorchLibrary.Load([folder.FullName]));
        Assert.Equal(FailureKind.Unavailable, refused.Kind);
        Assert.Equal($"{library}: TorchSharp's library does not load: {library}: file too short; only generate, bench, verify --forward and --engine torch need it", refused.Message);
    }

    public void Dispose() => folder.Delete(recursive: true);
}
