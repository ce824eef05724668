using System.Globalization;
using QkvMigrate.Files;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

/// <summary>By what a checkpoint is known again in another place.</summary>
public sealed class SourceStampTests : IDisposable
{
    private const int Bytes = 4 << 20;

    private static readonly DateTime Time = new(2024, 5, 6, 7, 8, 9, DateTimeKind.Utc);

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void A_file_without_checksums_is_the_same_only_where_it_is_of_the_same_time(int secondsLater, bool isSame)
    {
        // Both have the same first and last MiB; the middle is another one's.
        var stamp = Write("one", middle: 1, Time);
        Write("two", middle: 2, Time.AddSeconds(secondsLater));
        Assert.Equal(isSame, stamp.HasSameEndsIn(folder.At("two"), TestContext.Current.CancellationToken));
        Assert.True(stamp.HasSameEndsIn(folder.At("one"), TestContext.Current.CancellationToken));
    }

    private SourceStamp Write(string name, byte middle, DateTime time)
    {
        var path = folder.At(name, "model.safetensors");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var content = new byte[Bytes];
        content[0] = 8;
        content[Bytes / 2] = middle;
        File.WriteAllBytes(path, content);
        File.SetLastWriteTimeUtc(path, time);
        return new SourceStamp(Path.GetFileName(path), Bytes, time.ToString("O", CultureInfo.InvariantCulture), FileDigest.Ends(path, TestContext.Current.CancellationToken));
    }
}
