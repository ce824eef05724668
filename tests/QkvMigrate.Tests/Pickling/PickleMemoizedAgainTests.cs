using QkvMigrate.Pickling;
using Xunit;

namespace QkvMigrate.Tests.Pickling;

/// <summary>A string that is fetched from the memo and put there again, found by fuzzing: both slots are one object.</summary>
public sealed class PickleMemoizedAgainTests
{
    /// <summary><c>("a", "a")</c> in protocol 4: the literal at byte 3, memoized, then fetched at byte 10 and put again in one of the four ways.</summary>
    [Theory]
    [InlineData("94")]
    [InlineData("7101")]
    [InlineData("7201000000")]
    [InlineData("70310a")]
    public void Is_refused_where_one_of_them_gets_another_name(string put)
    {
        var pickle = Convert.FromHexString($"800428580100000061946800{put}742e");
        var script = PickleMachine.Run(pickle).Script;
        var error = Assert.Throws<MigrationException>(() => PickleRename.Plan(script, new Dictionary<int, string> { [3] = "b" }));
        Assert.Equal(FailureKind.Unsupported, error.Kind);
        Assert.Equal("pickle at byte 10: a name that changes is fetched from the memo and put there again, which no pickler does", error.Message);
        Assert.Empty(PickleRename.Plan(script, new Dictionary<int, string>()));
    }
}
