using QkvMigrate.Pickling;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Tests.Pickling;

/// <summary>Pickles by CPython's own picklers, made and judged by it.</summary>
[Trait("Category", "Slow")]
public sealed class PickleRenameTests
{
    private static readonly Lazy<List<(string Name, byte[] Pickle, byte[] Renamed)>> StateDicts = new(() =>
        [.. Python.Lines("QkvMigrate.Tests/Pickling/pickle_state_dicts.py", []).Select(line => line.Split('|')).Select(parts => (parts[0], Convert.FromHexString(parts[1]), Convert.FromHexString(parts[2])))]);

    [Fact]
    public void Keys_are_renamed_and_nothing_else()
    {
        var upgraded = StateDicts.Value.Select(sample => PickleKeys.Rename(sample.Pickle, Upgrade)).ToList();
        var judged = PickleRendering.ByPython(upgraded);
        Assert.NotEmpty(judged);
        Assert.Equal(upgraded.Count, judged.Count);
        foreach (var (sample, renamed, text) in StateDicts.Value.Zip(upgraded, judged))
        {
            var expected = PickleRendering.Text(sample.Renamed);
            Assert.NotEqual(PickleRendering.Text(sample.Pickle), expected);
            AssertSame(sample.Name, expected, PickleRendering.Text(renamed));
            AssertSame(sample.Name, expected, text);
        }
    }

    [Fact]
    public void There_and_back_gives_the_same_bytes()
    {
        Assert.NotEmpty(StateDicts.Value);
        foreach (var sample in StateDicts.Value)
        {
            var back = PickleKeys.Rename(PickleKeys.Rename(sample.Pickle, Upgrade), Downgrade);
            Assert.True(back.AsSpan().SequenceEqual(sample.Pickle), $"{sample.Name}: byte {back.AsSpan().CommonPrefixLength(sample.Pickle)} differs");
        }
    }

    [Fact]
    public void Frames_are_as_long_as_they_say()
    {
        var following = 0;
        foreach (var sample in StateDicts.Value)
        {
            var before = PickleMachine.Run(sample.Pickle).Script.Frames;
            var after = PickleMachine.Run(PickleKeys.Rename(sample.Pickle, Upgrade)).Script.Frames;
            Assert.Equal(before.Count, after.Count);

            // PROTO is the only instruction that both picklers write outside of a frame, next to strings of 64 KiB.
            Assert.All(after.Skip(1).Zip(after), frames => Assert.InRange(frames.First.LengthOffset - frames.Second.End, 1, 80_000), throwIfEmpty: false);
            following += Math.Max(after.Count - 1, 0);
        }

        Assert.NotEqual(0, following);
    }

    private static string? Upgrade(int number, string key) => Replace(key, ".attn.attn.", ".attn.qkv.");

    private static string? Downgrade(int number, string key) => Replace(key, ".attn.qkv.", ".attn.attn.");

    private static string? Replace(string key, string from, string to) =>
        key.Contains(from, StringComparison.Ordinal) ? key.Replace(from, to, StringComparison.Ordinal) : null;

    private static void AssertSame(string name, string expected, string actual)
    {
        var prefix = expected.AsSpan().CommonPrefixLength(actual);
        Assert.True(expected == actual, $"{name}: '{expected[prefix..Math.Min(prefix + 100, expected.Length)]}' expected at {prefix}, '{actual[prefix..Math.Min(prefix + 100, actual.Length)]}' found");
    }
}
