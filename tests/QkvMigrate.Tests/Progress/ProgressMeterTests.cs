using Microsoft.Extensions.Time.Testing;
using QkvMigrate.Cli.Progress;
using QkvMigrate.Running;
using Xunit;

namespace QkvMigrate.Tests.Progress;

public sealed class ProgressMeterTests : IDisposable
{
    private readonly RecordingDisplay display = new();
    private readonly ProgressMeter meter;

    public ProgressMeterTests() => meter = new ProgressMeter(display, new FakeTimeProvider());

    public void Dispose() => meter.Dispose();

    [Fact]
    public void Counts_the_bytes_of_files_that_are_on_their_way_and_of_those_that_are_there()
    {
        using var first = meter.Begin("first", 100);
        var second = meter.Begin("second", 50);
        first.Advance(30);
        first.Advance(10);
        second.Advance(50);
        second.Dispose();
        second.Dispose();

        var now = meter.Look();

        Assert.Equal((90, 150), (now.Done, now.Total));
        Assert.Equal("first", Assert.Single(now.Files).Path);
        Assert.Equal(["began first", "began second", "ended second"], display.Calls);
    }

    [Fact]
    public void Expects_what_is_announced_and_takes_off_what_is_not_written()
    {
        meter.Begin(3, 600);
        meter.Started("done already", 100);
        meter.Finished("done already", [Report(CheckpointStatus.Unchanged)]);
        Assert.Equal((0, 500, 1, 3), Numbers());

        meter.Started("written", 200);
        using (var file = meter.Begin("written/lit_model.pth", 190))
        {
            file.Advance(190);
        }

        meter.Finished("written", [Report(CheckpointStatus.Upgraded), Report(CheckpointStatus.Unchanged)]);
        Assert.Equal((190, 500, 2, 3), Numbers());
    }

    [Fact]
    public void The_whole_is_shown_where_it_is_more_than_one_file()
    {
        meter.Begin(1, 1000);
        using var file = meter.Begin("lit_model.pth", 995);
        Assert.False(meter.Look().HasWhole);
        using var other = meter.Begin("tokenizer.json", 5);
        Assert.True(meter.Look().HasWhole);
    }

    [Fact]
    public void Loses_no_byte_of_two_threads()
    {
        using var file = meter.Begin("lit_model.pth", 2_000_000);
        Parallel.For(0, 2, _ =>
        {
            for (var i = 0; i < 1_000_000; i++)
            {
                file.Advance(1);
            }
        });
        Assert.Equal(2_000_000, meter.Look().Done);
    }

    private (long Done, long Total, int UnitsDone, int Units) Numbers()
    {
        var now = meter.Look();
        return (now.Done, now.Total, now.UnitsDone, now.Units);
    }

    private static CheckpointReport Report(CheckpointStatus status) => new() { Path = "lit_model.pth", Status = status };

    private sealed class RecordingDisplay : IProgressDisplay
    {
        public List<string> Calls { get; } = [];

        public void Began(ProgressMeter meter, FileMeter file) => Calls.Add($"began {file.Path}");

        public void Ended(ProgressMeter meter, FileMeter file) => Calls.Add($"ended {file.Path}");

        public void Dispose()
        {
        }
    }
}
