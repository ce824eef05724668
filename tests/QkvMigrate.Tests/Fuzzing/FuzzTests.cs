using QkvMigrate.Testing.Fuzzing;
using Xunit;

namespace QkvMigrate.Tests.Fuzzing;

/// <summary>Mutated inputs for every parser: nothing but <see cref="MigrationException"/> comes out, and no input takes much time or memory.</summary>
[Collection(FuzzSchedule.Name)]
[Trait("Category", "Slow")]
public sealed class FuzzTests(ITestOutputHelper log) : IDisposable
{
    private readonly DirectoryInfo folder = Directory.Exists("/dev/shm")
        ? Directory.CreateDirectory($"/dev/shm/qkvmigrate-fuzz-{Guid.NewGuid():N}")
        : Directory.CreateTempSubdirectory("qkvmigrate-fuzz-");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("pickle", 5_000)]
    [InlineData("state-dict", 1_000)]
    [InlineData("zip", 1_000)]
    [InlineData("torch-legacy", 1_000)]
    [InlineData("safetensors", 1_000)]
    [InlineData("shard-index", 500)]
    [InlineData("configuration", 2_000)]
    [InlineData("hyperparameters", 2_000)]
    [InlineData("verified-zip", 1_000)]
    [InlineData("verified-torch-legacy", 1_000)]
    [InlineData("verified-safetensors", 1_000)]
    [InlineData("verified-index", 500)]
    public void Nothing_but_the_own_exception_comes_out(string name, int inputs) =>
        log.WriteLine(new FuzzRun(name, FuzzTargets.Make(name, folder.FullName)).Run(inputs));
}
