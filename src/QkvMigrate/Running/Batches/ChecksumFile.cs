using System.Text;
using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Batches;

/// <summary>The file <c>SHA256SUMS</c> of an output, with the results of all units.</summary>
/// <param name="root">The output.</param>
/// <param name="entries">The manifest, from which it is written.</param>
internal sealed class ChecksumFile(string root, UnitDocuments<ManifestEntry> entries)
{
    /// <summary>Where it is.</summary>
    public string Path { get; } = System.IO.Path.Combine(root, RecordNames.Checksums);

    /// <summary>Removes it before a result is replaced, from the disk too: no list is better than a false one.</summary>
    public void Withdraw()
    {
        File.Delete(Path);
        DiskSync.FlushFolder(root);
    }

    /// <summary>
    /// Writes it. Several parts may do so at once, each knowing of other units: each one looks at the manifest again after
    /// it has written, so that the last one's file has every entry.
    /// </summary>
    public void Write()
    {
        TargetLock.SweepLeftovers(Path);
        var known = new Dictionary<string, SeenDocument<IReadOnlyList<(string Path, string Line)>>>();
        for (byte[]? written = null; ;)
        {
            known = entries.SelectUsable(ChecksumLines.Of, known);
            var lines = Encoding.UTF8.GetBytes(ChecksumLines.Join(known.Values.Select(entry => entry.Value ?? [])));
            if (lines.AsSpan().SequenceEqual(written))
            {
                return;
            }

            if (lines.Length == 0)
            {
                Withdraw();
            }
            else if (FileIdentity.Of(Path) is null || !SourceFile.Holds(Path, lines))
            {
                // A file that has the content already is left alone, so that a run that does nothing touches nothing.
                DurableFile.WriteShared(Path, lines);
            }

            written = lines;
        }
    }
}
