using System.Text.Json;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

[assembly: AssemblyFixture(typeof(FixtureSet))]

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>One checkpoint directory that PyTorch wrote, and what is expected of it.</summary>
/// <param name="Folder">The checkpoint directory; shared by all tests, so never to be written to.</param>
/// <param name="Checkpoint">The checkpoint's file name in it.</param>
/// <param name="Geometry">The true geometry as the expectation takes it, or null where there is none.</param>
/// <param name="Arguments">What the command line needs beside the path.</param>
/// <param name="Splits">True where a legacy tensor needs a storage of its own, so that no downgrade gives the file back by the byte.</param>
/// <param name="Error">What a refusal says, or null where the fixture is not refused.</param>
public sealed record Fixture(
    string Folder,
    string Checkpoint,
    JsonElement Geometry,
    IReadOnlyList<string> Arguments,
    bool Splits,
    ExpectedError? Error);

/// <summary>What a refusal says.</summary>
/// <param name="Code">The error's code in JSON.</param>
/// <param name="Mentions">Words and numbers that a user needs to find in the message.</param>
public sealed record ExpectedError(string Code, IReadOnlyList<string> Mentions);

/// <summary>All fixtures, made once per run by PyTorch in a temporary folder.</summary>
public sealed class FixtureSet : IDisposable
{
    private readonly WorkFolder _folder = new();
    private readonly Lazy<IReadOnlyDictionary<string, Fixture>> _fixtures;

    public FixtureSet() => _fixtures = new(Make);

    /// <summary>The fixture called <paramref name="name"/>; skips the calling test where there is no PyTorch.</summary>
    public Fixture this[string name]
    {
        get
        {
            PyTorch.Require();
            return _fixtures.Value[name];
        }
    }

    public void Dispose() => _folder.Dispose();

    private Dictionary<string, Fixture> Make()
    {
        var made = PyTorch.Run("make_fixtures.py", _folder.Path);
        Assert.True(made.ExitCode == 0, made.Error);
        using var file = File.OpenRead(_folder.At("fixtures.json"));
        var described = JsonSerializer.Deserialize<Dictionary<string, Fixture>>(file, JsonSerializerOptions.Web)!;
        return described.ToDictionary(entry => entry.Key, entry => entry.Value with { Folder = _folder.At(entry.Key) });
    }
}
