using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace QkvMigrate.Tests.Fuzzing;

/// <summary>
/// Mutated inputs for every parser: nothing but <see cref="MigrationException"/> comes out, and no input takes much
/// memory. QKVMIGRATE_FUZZ_INPUTS sets how many, QKVMIGRATE_FUZZ_SEED which ones.
/// </summary>
public sealed class FuzzTests(ITestOutputHelper log) : IDisposable
{
    private const int DefaultInputs = 6_000;
    private const int DefaultSeed = 1;

    /// <summary>Bytes that may be allocated for one input; the seeds have 200 kB at most.</summary>
    private const long MaximumAllocation = 256 << 20;

    private readonly DirectoryInfo folder = Directory.Exists("/dev/shm")
        ? Directory.CreateDirectory($"/dev/shm/qkvmigrate-fuzz-{Guid.NewGuid():N}")
        : Directory.CreateTempSubdirectory("qkvmigrate-fuzz-");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("pickle")]
    [InlineData("zip")]
    [InlineData("configuration")]
    public void NothingButTheOwnExceptionComesOut(string name)
    {
        var inputs = Setting("QKVMIGRATE_FUZZ_INPUTS", DefaultInputs);
        var target = FuzzTarget.Make(name, folder.FullName);
        var mutator = new Mutator(new Random(Setting("QKVMIGRATE_FUZZ_SEED", DefaultSeed)), target.Seeds, target.Tokens);
        var (read, refused, slowest, most) = (0, 0, TimeSpan.Zero, 0L);
        for (var i = 0; i < inputs; i++)
        {
            var input = mutator.Next();
            var before = GC.GetAllocatedBytesForCurrentThread();
            var watch = Stopwatch.StartNew();
            if (Run(target, input))
            {
                read++;
            }
            else
            {
                refused++;
            }

            slowest = watch.Elapsed > slowest ? watch.Elapsed : slowest;
            most = Math.Max(most, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.True(most <= MaximumAllocation, $"input {i} took {most} bytes: {Show(input)}");
        }

        Assert.True(read > 0 && refused > 0, "the inputs are all good or all bad");
        log.WriteLine($"{name}: {inputs} inputs, {read} read, {refused} refused, slowest {slowest.TotalMilliseconds:0.0} ms, most memory {most >> 10} KiB");
    }

    private static bool Run(FuzzTarget target, byte[] input)
    {
        try
        {
            target.Run(input);
            return true;
        }
        catch (MigrationException)
        {
            return false;
        }
        catch (Exception error)
        {
            Assert.Fail($"{error}\ninput: {Show(input)}");
            throw;
        }
    }

    private static string Show(byte[] input) => input.Length <= 8192 ? Convert.ToBase64String(input) : $"{input.Length} bytes";

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
