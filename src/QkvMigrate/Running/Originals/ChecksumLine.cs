using System.Text;
using QkvMigrate.Files;

namespace QkvMigrate.Running.Originals;

/// <summary>
/// A line that <c>sha256sum</c> writes (coreutils' manual, "md5sum invocation"): the digest, a space, a space or an asterisk, the
/// name. Where the line begins with a backslash, a backslash and the ends of lines are escaped in the name.
/// </summary>
internal static class ChecksumLine
{
    private const int DigestLength = 64;

    /// <summary>The digest in lower case, and the name; null where the line is of another form.</summary>
    public static (string Digest, string Name)? Parse(string line)
    {
        var isEscaped = line.StartsWith('\\');
        var rest = isEscaped ? line[1..] : line;
        if (rest.Length <= DigestLength + 2 || rest[DigestLength] != ' ' || rest[DigestLength + 1] is not (' ' or '*'))
        {
            return null;
        }

        var digest = rest[..DigestLength].ToLowerInvariant();
        var name = rest[(DigestLength + 2)..];
        return !FileDigest.IsOne(digest) ? null
            : !isEscaped ? (digest, name)
            : Unescaped(name) is { } plain ? (digest, plain)
            : null;
    }

    /// <summary>A name without <c>.</c> and empty parts; null where it leads out of the directory, or is none.</summary>
    public static string? Relative(string name)
    {
        var parts = name.Split('/').Where(part => part is not ("" or ".")).ToList();
        return name.StartsWith('/') || name.Contains('\0', StringComparison.Ordinal) || parts.Count == 0 || parts.Contains("..")
            ? null
            : string.Join('/', parts);
    }

    private static string? Unescaped(string name)
    {
        var plain = new StringBuilder(name.Length);
        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] != '\\')
            {
                plain.Append(name[i]);
                continue;
            }

            switch (++i < name.Length ? name[i] : '\0')
            {
                case '\\':
                    plain.Append('\\');
                    break;
                case 'n':
                    plain.Append('\n');
                    break;
                case 'r':
                    plain.Append('\r');
                    break;
                default:
                    return null;
            }
        }

        return plain.ToString();
    }
}
