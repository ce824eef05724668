using System.Diagnostics.CodeAnalysis;
using Xunit;

namespace QkvMigrate.Testing;

/// <summary>What a test needs of the machine.</summary>
internal static class Prerequisite
{
    /// <summary>Ends the calling test: as skipped on a developer's machine, as failed in continuous integration, which must have everything.</summary>
    [DoesNotReturn]
    public static void Missing(string problem)
    {
        if (Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.Fail(problem);
        }

        Assert.Skip(problem);
    }
}
