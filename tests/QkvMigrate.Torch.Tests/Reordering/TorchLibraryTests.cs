using QkvMigrate.Testing;
using QkvMigrate.Torch.Natives;
using QkvMigrate.Torch.Tests.Support;
using TorchSharp;
using Xunit;

namespace QkvMigrate.Torch.Tests.Reordering;

public sealed class TorchLibraryTests : IDisposable
{
    private readonly WorkFolder folder = new();

    [Fact]
    public void A_library_that_does_not_load_is_told_in_the_loaders_words()
    {
        var library = folder.Write("libtorch_cpu.so", "not a library");
        var refused = Assert.Throws<MigrationException>(() => DynamicLoader.Load(library));
        Assert.Equal(FailureKind.Unavailable, refused.Kind);
        Assert.Equal($"{library}: the library does not load: {library}: file too short", refused.Message);
    }

    [Fact]
    public void A_symbol_that_is_missing_is_told_when_the_library_is_loaded()
    {
        // A function that is called, if ever, long after the library is loaded.
        var bytes = File.ReadAllBytes(Path.Combine(RealLibraries.Libtorch, "libc10.so"));
        var at = bytes.AsSpan().IndexOf("\0sysconf\0"u8);
        Assert.SkipWhen(at < 0, "this libtorch's libc10.so calls no sysconf");
        bytes[at + 1] = (byte)'S';
        var library = folder.At("libc10.so");
        File.WriteAllBytes(library, bytes);
        var refused = Assert.Throws<MigrationException>(() => DynamicLoader.Load(library));
        Assert.StartsWith($"{library}: the library does not load: {library}: undefined symbol: Sysconf", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_loaded_library_says_its_version()
    {
        TorchLibrary.Load();
        var handle = DynamicLoader.Load(Path.Combine(RealLibraries.Libtorch, "libtorch_cpu.so"));
        Assert.Matches(@"^\d+\.\d+\.\d+$", LibtorchVersion.OfLoaded([handle]));
    }

    [Fact]
    public void The_build_knows_what_TorchSharp_is_made_for()
    {
        TorchLibrary.Load();
        Assert.Equal($"{LibtorchVersion.OfTorchSharp}.0", torch.__version__);
    }

    public void Dispose() => folder.Dispose();
}
