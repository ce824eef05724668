using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace QkvMigrate.Testing.Fuzzing;

/// <summary>
/// Runs mutated inputs through a target. QKVMIGRATE_FUZZ_INPUTS sets how many, QKVMIGRATE_FUZZ_SEED which ones. Of each
/// input the time is watched, the memory counted; a hang ends the process, with the input on standard error.
/// </summary>
internal sealed class FuzzRun(string name, FuzzTarget target)
{
    private const int DefaultSeed = 1;

    /// <summary>Bytes that may be allocated for one input; the seeds have a few thousand.</summary>
    private const long MaximumAllocation = 64 << 20;

    /// <summary>Far beyond what the slowest input takes on the busiest machine.</summary>
    private static readonly TimeSpan Hang = TimeSpan.FromMinutes(1);

    private readonly Stopwatch total = Stopwatch.StartNew();
    private byte[] current = [];
    private long started;
    private int read;
    private int refused;
    private TimeSpan slowest;
    private long most;

    /// <summary>Runs the inputs and returns what is to be told of it.</summary>
    /// <param name="defaultInputs">How many, where nothing else is set.</param>
    public string Run(int defaultInputs)
    {
        var inputs = Setting("QKVMIGRATE_FUZZ_INPUTS", defaultInputs);
        var seed = Setting("QKVMIGRATE_FUZZ_SEED", DefaultSeed);
        var mutator = new Mutator(new Random(seed), target.Seeds, target.Tokens);
        using var watchdog = new Timer(_ => EndHang(), null, Hang, Hang);
        for (var i = 0; i < inputs; i++)
        {
            RunOne(mutator.Next());
        }

        Assert.True(read > 0 && refused > 0, "the inputs are all good or all bad");
        return string.Create(CultureInfo.InvariantCulture, $"{name}: seed {seed}, {inputs} inputs in {total.Elapsed.TotalSeconds:0} s, {read} read, {refused} refused, slowest {slowest.TotalMilliseconds:0.0} ms, most memory {most >> 10} KiB");
    }

    private void RunOne(byte[] input)
    {
        current = input;
        var before = GC.GetTotalAllocatedBytes();
        started = Stopwatch.GetTimestamp();
        try
        {
            target.Run(input);
            read++;
        }
        catch (MigrationException)
        {
            refused++;
        }
        catch (Exception error)
        {
            Assert.Fail($"{name}: {error}\ninput: {Show(input)}");
        }

        slowest = TimeSpan.FromTicks(Math.Max(slowest.Ticks, Stopwatch.GetElapsedTime(started).Ticks));
        most = Math.Max(most, GC.GetTotalAllocatedBytes() - before);
        Assert.True(most <= MaximumAllocation, $"{name}: an input took {most} bytes: {Show(input)}");
    }

    private void EndHang()
    {
        if (started != 0 && Stopwatch.GetElapsedTime(started) > Hang)
        {
            Environment.FailFast($"{name}: an input takes more than {Hang}: {Show(current)}");
        }
    }

    private static string Show(byte[] input) => input.Length <= 8192 ? Convert.ToBase64String(input) : $"{input.Length} bytes";

    private static int Setting(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
