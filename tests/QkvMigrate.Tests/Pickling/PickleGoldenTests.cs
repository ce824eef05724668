using QkvMigrate.Pickling;
using Xunit;

namespace QkvMigrate.Tests.Pickling;

public sealed class PickleGoldenTests
{
    public static TheoryData<string, int> Goldens { get; } = [.. PickleGolden.All.Select(golden => (golden.Expression, golden.Protocol))];

    [Fact]
    public void There_are_goldens_of_every_protocol() =>
        Assert.Equal([18, 18, 18, 14, 14, 14], Enumerable.Range(0, 6).Select(protocol => PickleGolden.All.Count(golden => golden.Protocol == protocol)));

    [Theory]
    [MemberData(nameof(Goldens))]
    public void What_CPython_pickled_is_read(string expression, int protocol)
    {
        var golden = PickleGolden.Of(expression, protocol);
        var document = PickleMachine.Run(golden.Pickle);
        Assert.Equal(golden.Text, PickleRendering.Text(document));
        Assert.Equal(golden.Pickle, document.Script.Bytes.ToArray());

        // Protocols 0 and 1 have no PROTO.
        Assert.Equal(protocol < 2 ? 0 : protocol, document.Script.Protocol);
    }

    [Fact]
    public void CPython_reads_the_same() =>
        Assert.Equal(PickleGolden.All.Select(golden => golden.Text), PickleRendering.ByPython(PickleGolden.All.Select(golden => golden.Pickle)));

    [Theory]
    [MemberData(nameof(Goldens))]
    public void What_follows_STOP_is_not_looked_at(string expression, int protocol)
    {
        var golden = PickleGolden.Of(expression, protocol);
        byte[] pickle = [.. golden.Pickle, 0xff, 0x00];
        Assert.Equal(golden.Pickle, PickleMachine.Run(pickle).Script.Bytes.ToArray());
    }

    [Theory]
    [MemberData(nameof(Goldens))]
    public void A_golden_cut_off_anywhere_is_refused(string expression, int protocol)
    {
        var golden = PickleGolden.Of(expression, protocol);
        for (var length = 0; length < golden.Pickle.Length; length++)
        {
            var refused = Assert.Throws<MigrationException>(() => PickleMachine.Run(golden.Pickle.AsMemory(0, length)));
            Assert.Equal(FailureKind.Malformed, refused.Kind);
            Assert.InRange(refused.Offset!.Value, 0, length);
        }
    }
}
