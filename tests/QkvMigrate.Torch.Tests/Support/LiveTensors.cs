using TorchSharp;
using Xunit;

namespace QkvMigrate.Torch.Tests.Support;

/// <summary>Checks that work leaves no tensor alive, by TorchSharp's own count for the thread.</summary>
internal static class LiveTensors
{
    /// <summary>Runs <paramref name="work"/>, and fails where it leaves more tensors or fewer than it found.</summary>
    public static void AreGoneAfter(Action work)
    {
        var before = Count();
        work();
        Assert.Equal(before, Count());
    }

    private static long Count() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
}
