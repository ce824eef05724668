using Microsoft.Extensions.Time.Testing;
using QkvMigrate.Cli.Progress;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Progress;

public sealed class ProgressLinesTests
{
    private readonly FakeTimeProvider time = new();
    private readonly List<string> lines = [];
    private readonly List<string> details = [];

    [Fact]
    public void A_file_that_takes_long_is_told_of_every_ten_seconds()
    {
        using var meter = Meter();
        using var file = meter.Begin("lit_model.pth", 14_500_000_000);
        file.Advance(1_450_000_000);
        time.Advance(TimeSpan.FromSeconds(9));
        Assert.Empty(lines);

        time.Advance(TimeSpan.FromSeconds(1));
        file.Advance(5_800_000_000);
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(
            [
                "lit_model.pth: 1.45 GB of 14.5 GB (10 %), 145 MB/s, 1 min 30 s left",
                "lit_model.pth: 7.25 GB of 14.5 GB (50 %), 363 MB/s, 20 s left",
            ],
            lines);
    }

    [Fact]
    public void Several_files_have_a_line_for_the_whole()
    {
        using var meter = Meter();
        meter.Begin(3, 3_000_000_000);
        using var first = meter.Begin("a.pth", 1_000_000_000);
        using var second = meter.Begin("b.pth", 1_000_000_000);
        first.Advance(1_000_000_000);
        first.Enter(WriteStage.Verifying);
        second.Advance(500_000_000);
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(
            [
                "a.pth: verifying 1.00 GB",
                "b.pth: 500 MB of 1.00 GB (50 %), 50.0 MB/s, 10 s left",
                "all (0 of 3 finished): 1.50 GB of 3.00 GB (50 %), 150 MB/s, 10 s left",
            ],
            lines);
    }

    [Fact]
    public void A_file_that_has_not_begun_to_move_promises_no_time()
    {
        using var meter = Meter();
        using var file = meter.Begin("lit_model.pth", 1000);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("lit_model.pth: 0 B of 1.00 kB (0 %), 0 B/s", Assert.Single(lines));
    }

    [Fact]
    public void Details_say_when_a_file_begins_and_ends()
    {
        using var meter = Meter();
        var whole = meter.Begin("a.pth", 2_000_000);
        whole.Advance(2_000_000);
        time.Advance(TimeSpan.FromSeconds(2));
        whole.Dispose();
        meter.Begin("b.pth", 1000).Dispose();

        Assert.Equal(
            [
                "writing a.pth: 2.00 MB",
                "wrote a.pth: 2.00 MB in 2.00 s, 1.00 MB/s",
                "writing b.pth: 1.00 kB",
                "gave up b.pth: 0 B in 0.00 s",
            ],
            details);
        Assert.Empty(lines);
    }

    [Theory]
    [InlineData(0.4, "0 s")]
    [InlineData(59.4, "59 s")]
    [InlineData(59.5, "1 min 0 s")]
    [InlineData(200, "3 min 20 s")]
    [InlineData(3599.9, "1 h 0 min")]
    [InlineData(7500, "2 h 5 min")]
    [InlineData(360_000, "100 h 0 min")]
    public void Durations_have_their_two_largest_units(double seconds, string text) =>
        Assert.Equal(text, Duration.Text(TimeSpan.FromSeconds(seconds)));

    private ProgressMeter Meter() => new(new ProgressLines(lines.Add, details.Add, time), time);
}
