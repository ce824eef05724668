using Xunit;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>The switch by which the program under test does without what is Linux's own.</summary>
internal static class PortableSwitch
{
    public const string Variable = "QKVMIGRATE_PORTABLE";

    /// <summary>Ends a test of a call that the program then does not make.</summary>
    public static void SkipWhereItIsOn(bool isNeeded = true) =>
        Assert.SkipWhen(isNeeded && Environment.GetEnvironmentVariable(Variable) == "1", $"needs what is Linux's own, without {Variable}");
}
