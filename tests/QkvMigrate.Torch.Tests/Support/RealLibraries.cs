namespace QkvMigrate.Torch.Tests.Support;

/// <summary>The native libraries that these tests run on.</summary>
internal static class RealLibraries
{
    /// <summary>The folder of TorchSharp's own library.</summary>
    public static string Beside { get; } =
        ((string)AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES")!).Split(Path.PathSeparator).First(folder => File.Exists(Path.Combine(folder, "libLibTorchSharp.so")));

    /// <summary>The folder of libtorch.</summary>
    public static string Libtorch { get; } = TorchLibrary.Find().Folder;
}
