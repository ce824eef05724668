using QkvMigrate.Testing;
using QkvMigrate.Torch.Natives;
using QkvMigrate.Torch.Tests.Support;
using Xunit;

namespace QkvMigrate.Torch.Tests.Natives;

/// <summary>What is refused before it is loaded: each library here is a copy of a real one with one thing wrong.</summary>
public sealed class LibtorchFitTests : IDisposable
{
    private static readonly string Bridge = Path.Combine(RealLibraries.Beside, "libLibTorchSharp.so");

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_libtorch_that_TorchSharp_is_made_for_fits() => LibtorchFit.Check(new Libtorch(RealLibraries.Libtorch, "--libtorch", "2.10.0"), Bridge);

    [Fact]
    public void A_libtorch_without_the_symbols_is_refused_with_both_versions_and_the_symbol()
    {
        // libtorch.so is a library of 8 kB that exports nothing.
        Lay(File.ReadAllBytes(Path.Combine(RealLibraries.Libtorch, "libtorch.so")));
        var refused = Refusal();
        Assert.Matches(
            @"^\S+ \(--libtorch\): libtorch 1\.2\.3 does not fit TorchSharp, which is made for PyTorch 2\.10\.0: symbol _Z\w+ is missing, and 1203 more$",
            refused.Message);
    }

    [Theory]
    [InlineData("a text", "this is no library: it does not begin as an ELF file does")]
    [InlineData("", "this is no library: it does not begin as an ELF file does")]
    public void A_text_is_refused(string text, string problem)
    {
        Lay(System.Text.Encoding.ASCII.GetBytes(text));
        Assert.Equal($"{folder.At("libtorch_cpu.so")}: {problem}", Refusal().Message);
    }

    [Theory]
    [InlineData(0x12, 183, "a library for aarch64, and this program runs on x86-64")]
    [InlineData(0x12, 2, "a library for the machine 2 of elf.h, and this program runs on x86-64")]
    [InlineData(0x04, 1, "this is no library of 64 bits, little-endian")]
    [InlineData(0x05, 2, "this is no library of 64 bits, little-endian")]
    [InlineData(0x10, 2, "an ELF file, but no shared library")]
    [InlineData(0x38, 0, "a library without Symbols among its dynamic entries, which every linker on Linux writes")]
    public void Another_kind_of_library_is_refused(int offset, byte value, string problem)
    {
        Assert.SkipUnless(System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64, "needs x86-64");
        var bytes = File.ReadAllBytes(Path.Combine(RealLibraries.Libtorch, "libtorch.so"));
        bytes[offset] = value;
        Lay(bytes);
        Assert.Equal($"{folder.At("libtorch_cpu.so")}: {problem}", Refusal().Message);
    }

    [Fact]
    public void A_library_that_is_missing_is_named()
    {
        Lay(File.ReadAllBytes(Path.Combine(RealLibraries.Libtorch, "libtorch.so")));
        File.Delete(folder.At("libc10.so"));
        Assert.Equal($"{folder.Path} (--libtorch): no libc10.so, which a libtorch has beside its libtorch_cpu.so", Refusal().Message);
    }

    [Fact]
    public void A_text_of_the_name_of_libtorch_is_what_is_wrong_with_a_folder_that_has_nothing_else()
    {
        File.WriteAllText(folder.At("libtorch_cpu.so"), "a text");
        Assert.Equal($"{folder.At("libtorch_cpu.so")}: this is no library: it does not begin as an ELF file does", Refusal().Message);
    }

    [Fact]
    public void Symbols_are_those_of_the_library()
    {
        using var library = ElfLibrary.Open(Path.Combine(RealLibraries.Libtorch, "libc10.so"));
        Assert.True(library.Exports("_ZN3c1010TensorImpl18throw_data_ptr_accessEv") || library.Exports("_ZN3c105ErrorC1ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"));
        Assert.False(library.Exports("_ZN3c1010TensorImpl"));
        Assert.False(library.Exports("malloc"));
        Assert.False(library.Exports(""));
    }

    [Fact]
    public void Damaged_libraries_are_refused_or_read_and_nothing_else()
    {
        var bytes = File.ReadAllBytes(Path.Combine(RealLibraries.Libtorch, "libtorch.so"));
        var refusals = 0;
        for (var at = 0; at < bytes.Length; at += at < 0x400 ? 1 : 7)
        {
            var damaged = bytes.ToArray();
            damaged[at] ^= 0xff;
            refusals += Reads(damaged) ? 0 : 1;
            refusals += Reads(bytes[..at]) ? 0 : 1;
        }

        Assert.InRange(refusals, 200, bytes.Length);

        bool Reads(byte[] content)
        {
            var path = folder.At("damaged.so");
            File.WriteAllBytes(path, content);
            try
            {
                using var library = ElfLibrary.Open(path);
                _ = library.RequiredSymbols().Count();
                _ = library.Exports("_ZN3c105Error");
                return true;
            }
            catch (MigrationException)
            {
                return false;
            }
        }
    }

    private MigrationException Refusal()
    {
        var refused = Assert.Throws<MigrationException>(() => LibtorchFit.Check(new Libtorch(folder.Path, "--libtorch", "1.2.3"), Bridge));
        Assert.True(refused.Kind is FailureKind.Unavailable or FailureKind.Io, $"{refused.Kind}");
        return refused;
    }

    private void Lay(byte[] library)
    {
        foreach (var name in LibtorchFit.Libraries)
        {
            File.WriteAllBytes(folder.At(name), library);
        }
    }
}
