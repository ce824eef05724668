using YamlDotNet.Core;

namespace QkvMigrate.Configuration;

/// <summary>Walks over the events of a YAML text, so that neither depth nor aliases of a hostile one cost anything.</summary>
internal static class YamlText
{
    /// <summary>What <paramref name="read"/> makes of the text.</summary>
    /// <exception cref="MigrationException">The text is no YAML.</exception>
    public static T Read<T>(string text, Func<Parser, T> read)
    {
        try
        {
            return read(new Parser(new StringReader(text)));
        }
        catch (YamlException error)
        {
            throw new MigrationException(FailureKind.Malformed, $"no YAML: {error.Message}", where: $"line {error.Start.Line}", inner: error);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or EndOfStreamException)
        {
            // YamlDotNet 18.1 says so of some malformed texts: "%TAG !" without a prefix, a tag alone behind "...", a NUL.
            throw new MigrationException(FailureKind.Malformed, $"no YAML: {error.Message}", inner: error);
        }
    }
}
