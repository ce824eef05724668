namespace QkvMigrate.Checkpoints;

/// <summary>
/// The memory that a file's directory (the header of a safetensors file, the index of shards, the central directory of a
/// zip) and what is made of it may take together. It is one number whatever the size, because a directory can list a
/// hundred times as much as a model has in less than a hundred megabytes. A tensor of a real checkpoint takes about 120
/// bytes of header and 820 of memory, so that there is room for 110,000 of them in a file.
/// </summary>
internal sealed class DirectoryBudget
{
    /// <summary>Bytes in all: with the runtime and what it has not collected yet, that stays below 200 MiB.</summary>
    public const long Maximum = 104L << 20;

    private readonly string where;
    private long spent;

    /// <summary>A budget that has to pay for the directory's own bytes first.</summary>
    /// <param name="where">What the directory is, for failures.</param>
    /// <param name="bytes">Its own bytes, all of which are held.</param>
    /// <exception cref="MigrationException">They are too many.</exception>
    public DirectoryBudget(string where, long bytes)
    {
        this.where = where;
        Spend(bytes);
    }

    /// <summary>What a string of <paramref name="length"/> characters takes, and its slot in a set.</summary>
    public static long Name(int length) => 64 + (2L * length);

    /// <summary>Takes <paramref name="bytes"/>, as the runtime counts them on 64 bits.</summary>
    /// <exception cref="MigrationException">There is not so much left.</exception>
    public void Spend(long bytes)
    {
        spent += bytes;
        if (spent > Maximum)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"what it lists takes more than {Maximum >> 20} MiB of memory, as no checkpoint's does",
                where: where);
        }
    }
}
