using System.Text;

namespace QkvMigrate;

/// <summary>Why a checkpoint could not be worked on; the code in JSON reports is the name in kebab-case.</summary>
public enum FailureKind
{
    /// <summary>The file breaks the rules of its own format.</summary>
    Malformed,

    /// <summary>The file is well formed, but uses something that this tool does not handle.</summary>
    Unsupported,

    /// <summary>Attention stands in the file in a form that this tool cannot move: a sharded tensor, a whole module, and the like.</summary>
    Unreadable,

    /// <summary>The weights are cut over the files of several processes, and have to be joined first.</summary>
    Distributed,

    /// <summary>Loading the file with PyTorch can run code that the file brings.</summary>
    Unsafe,

    /// <summary>The attention geometry is missing, incomplete, or does not fit the tensors.</summary>
    Geometry,

    /// <summary>
    /// Two things that should agree do not: legacy and upgraded names stand in one file, a new name is taken, settings
    /// contradict tensors, a result is not what its record says.
    /// </summary>
    Conflict,

    /// <summary>The target exists, is the source itself, or cannot be named.</summary>
    Target,

    /// <summary>The operating system refused: missing file, permission, full disk, and the like.</summary>
    Io,

    /// <summary>The user or the system ended the work before it was done.</summary>
    Cancelled,

    /// <summary>A file that was written is not what its source makes it: a fault of this tool, or of memory or disk.</summary>
    Verification,

    /// <summary>What was asked for does not fit together, or does not fit what it was asked of.</summary>
    Usage,

    /// <summary>What was asked for cannot be had on this machine: a library, a device, or enough of its memory.</summary>
    Unavailable,
}

/// <summary>
/// The one exception type for expected failures. It renders as one line:
/// <c>FILE: WHERE at byte OFFSET: what was found, what was expected</c>.
/// </summary>
public sealed class MigrationException : Exception
{
    /// <summary>Creates the failure; <paramref name="offset"/> counts bytes from the start of <paramref name="file"/>.</summary>
    public MigrationException(FailureKind kind, string problem, string? file = null, string? where = null, long? offset = null, Exception? inner = null)
        : base(Render(problem, file, where, offset), inner)
    {
        Kind = kind;
        Problem = problem;
        File = file;
        Where = where;
        Offset = offset;
    }

    /// <summary>The family of the failure.</summary>
    public FailureKind Kind { get; }

    /// <summary>What was found and what was expected, without the place.</summary>
    public string Problem { get; }

    /// <summary>The file at fault, where one is.</summary>
    public string? File { get; }

    /// <summary>A tensor, an entry of an archive, or a field of a configuration.</summary>
    public string? Where { get; }

    /// <summary>Bytes from the start of <see cref="File"/>.</summary>
    public long? Offset { get; }

    /// <summary>The same failure, told of <paramref name="file"/> where it names no file yet.</summary>
    public MigrationException InFile(string file) =>
        File is null ? new MigrationException(Kind, Problem, file, Where, Offset, InnerException) : this;

    private static string Render(string problem, string? file, string? where, long? offset)
    {
        var line = new StringBuilder();
        if (file is not null)
        {
            line.Append(file).Append(": ");
        }

        if (where is not null)
        {
            line.Append(where);
        }

        if (offset is { } at)
        {
            line.Append(where is null ? "at byte " : " at byte ").Append(at);
        }

        if (where is not null || offset is not null)
        {
            line.Append(": ");
        }

        return line.Append(problem).Replace('\n', ' ').Replace('\r', ' ').ToString();
    }
}
