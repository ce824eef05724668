using QkvMigrate.Pickling.Policy;
using Xunit;

namespace QkvMigrate.Tests.Pickling.Policy;

/// <summary>Records that nothing names, and bytes in a pickle, are mostly numbers, whose first bytes may be those of a pickle.</summary>
public sealed class BytesThatLookLikePicklesTests
{
    /// <summary>Every pair of first bytes that weights can have, before bytes that are no pickle.</summary>
    [Fact]
    public void Weights_are_not_taken_for_a_pickle_that_can_run_code()
    {
        var random = new Random(1);
        var record = new byte[96];
        for (var first = 0; first < 256; first++)
        {
            for (var second = 0; second < 256; second++)
            {
                random.NextBytes(record);
                (record[0], record[1]) = ((byte)first, (byte)second);
                var uses = PicklePolicy.ExamineBytes(record, "lit_model/data/0");
                Assert.True(uses.All(use => use.Safety != GlobalSafety.Dangerous), $"{Convert.ToHexString(record)}: {string.Join(", ", uses)}");
            }
        }
    }

    /// <summary>EXT1, EXT2 and EXT4, called: by REDUCE, and broken off behind it; by NEWOBJ; by OBJ.</summary>
    [Theory]
    [InlineData("820729522E")]
    [InlineData("8207295200")]
    [InlineData("83070029522E")]
    [InlineData("840700000029522E")]
    [InlineData("82072981")]
    [InlineData("2882076F2E")]
    public void An_extension_code_that_is_called_is_named(string pickle)
    {
        var uses = PicklePolicy.ExamineBytes(Convert.FromHexString(pickle), "lit_model/data/0");
        Assert.Contains("extension code 7", Assert.Single(uses, use => use.Safety == GlobalSafety.Dangerous).Name, StringComparison.Ordinal);
    }
}
