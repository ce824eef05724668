using System.Text;
using QkvMigrate.Files;

namespace QkvMigrate.Running.Originals;

/// <summary>The SHA-256 of originals: of one file, or of files of a directory by their names.</summary>
public sealed class OriginalChecksums
{
    /// <summary>Bytes of a list at most: a line for each of some hundred thousand files.</summary>
    private const int MaximumBytes = 64 << 20;

    private readonly Dictionary<string, string> byName;

    private OriginalChecksums(string? single, Dictionary<string, string> byName, string? file)
    {
        Single = single;
        this.byName = byName;
        File = file;
    }

    /// <summary>The digest of the one file that is asked for; null where there is a list.</summary>
    internal string? Single { get; }

    /// <summary>The file of the list.</summary>
    internal string? File { get; }

    /// <summary>The names of the list, relative to the directory, in order.</summary>
    internal IEnumerable<string> Names => byName.Keys.Order(StringComparer.Ordinal);

    /// <summary>Whether <paramref name="text"/> is a SHA-256: 64 hexadecimal digits of either case.</summary>
    public static bool IsDigest(string text) => FileDigest.IsOne(text.ToLowerInvariant());

    /// <summary>The checksum of one file, for which <see cref="IsDigest"/> holds.</summary>
    public static OriginalChecksums Of(string digest) => IsDigest(digest)
        ? new OriginalChecksums(digest.ToLowerInvariant(), [], null)
        : throw new ArgumentException("no SHA-256", nameof(digest));

    /// <summary>Reads a list as <c>sha256sum</c> writes it (GNU coreutils); its names are relative to the directory that is proven.</summary>
    /// <exception cref="MigrationException">It cannot be read, has no line, a line of another form, or two digests for one name.</exception>
    public static OriginalChecksums Read(string path)
    {
        // A name is any bytes but a zero; those that are no UTF-8 stand for no file that this program can open.
        var text = Encoding.UTF8.GetString(SourceFile.ReadAll(path, MaximumBytes, "a list of checksums"));
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            var content = line.TrimEnd('\r');
            if (content.Length == 0 || content[0] == '#')
            {
                continue;
            }

            var (digest, name) = ChecksumLine.Parse(content) ?? throw Malformed(path, number, "expected 64 hexadecimal digits, a space, a space or *, and a name");
            var plain = ChecksumLine.Relative(name) ?? throw Malformed(path, number, $"'{name}' is no path below the directory");
            if (!names.TryAdd(plain, digest) && names[plain] != digest)
            {
                throw new MigrationException(FailureKind.Conflict, $"a second checksum for '{plain}', which is another", path, $"line {number}");
            }
        }

        return names.Count > 0
            ? new OriginalChecksums(null, names, path)
            : throw new MigrationException(FailureKind.Malformed, "no line of a checksum, expected what sha256sum writes", path);
    }

    /// <summary>The digest of a file of the directory, or null.</summary>
    internal string? Find(string name) => byName.GetValueOrDefault(name);

    private static MigrationException Malformed(string path, int line, string problem) => new(FailureKind.Malformed, problem, path, $"line {line}");
}
