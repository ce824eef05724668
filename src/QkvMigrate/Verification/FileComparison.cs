using QkvMigrate.Files;

namespace QkvMigrate.Verification;

/// <summary>Compares a file that came along with its original, byte by byte.</summary>
internal static class FileComparison
{
    private const int ChunkBytes = 512 << 10;

    /// <summary>Compares <paramref name="name"/> below two directories.</summary>
    public static void Compare(string original, string upgraded, string name, DifferenceLog log, CancellationToken cancellation)
    {
        var place = $"file '{name}'";
        if (LinkText(Path.Combine(original, name)) is { } text)
        {
            if (LinkText(Path.Combine(upgraded, name)) is var copy && copy != text)
            {
                log.Add(place, copy is null ? $"no link, expected one to '{text}'" : $"a link to '{copy}', expected one to '{text}'");
            }

            return;
        }

        CompareCopy(Path.Combine(original, name), Path.Combine(upgraded, name), place, log, cancellation);
    }

    /// <summary>Whether a link stands in the place of a file: what it leads to is compared, and can be another tomorrow.</summary>
    public static bool IsLinkForFile(string original, string upgraded) =>
        FileIdentity.OfLink(upgraded) is { IsLink: true } && FileIdentity.OfLink(original) is { IsLink: false };

    /// <summary>Compares a file with one that must have the same bytes.</summary>
    /// <exception cref="MigrationException">One of them cannot be read.</exception>
    public static void CompareCopy(string original, string upgraded, string place, DifferenceLog log, CancellationToken cancellation)
    {
        using var before = SourceFile.Open(original);
        using var after = SourceFile.Open(upgraded);
        if (before.Length != after.Length)
        {
            log.Add(place, $"{after.Length} bytes, expected {before.Length}");
            return;
        }

        var expected = new byte[Math.Min(ChunkBytes, before.Length)];
        var found = new byte[expected.Length];
        for (var at = 0L; at < before.Length; at += expected.Length)
        {
            cancellation.ThrowIfCancellationRequested();
            var length = (int)Math.Min(expected.Length, before.Length - at);
            before.Read(at, expected.AsSpan(0, length));
            after.Read(at, found.AsSpan(0, length));
            var same = found.AsSpan(0, length).CommonPrefixLength(expected.AsSpan(0, length));
            if (same < length)
            {
                log.Add(place, $"0x{found[same]:x2}, expected 0x{expected[same]:x2}", at + same);
                return;
            }
        }
    }

    /// <summary>What stands in a link that leads to a directory or nowhere; null for all that has the content of a file.</summary>
    private static string? LinkText(string path) =>
        FileIdentity.OfLink(path) is { IsLink: true } && FileIdentity.Of(path) is not { IsDirectory: false } ? new FileInfo(path).LinkTarget : null;
}
