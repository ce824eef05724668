namespace QkvMigrate.Pickling;

/// <summary>
/// The memory that may still be made of a pickle. Costs are what the runtime takes on 64 bits, rounded up: 16 bytes of
/// an object's header, and lists that grow by doubling.
/// </summary>
internal sealed class PickleBudget(int pickleLength, int storages)
{
    /// <summary>A place in a list: 16 bytes an item, twice for the doubling.</summary>
    public const int Item = 32;

    /// <summary>A key and a value in a list: 40 bytes, twice for the doubling.</summary>
    public const int Entry = 80;

    /// <summary>A list that was empty until now.</summary>
    public const int List = 64;

    /// <summary>What holds the items, the entries or the state of a value that had none until now, and the first list of them.</summary>
    public const int Contents = 48 + List;

    /// <summary>A reference in a list.</summary>
    public const int Reference = 16;

    /// <summary>A slot of a dictionary or a hash set.</summary>
    public const int Slot = 64;

    /// <summary>What is made of a parameter of an optimizer: its name, and slots of dictionaries.</summary>
    public const int Parameter = 300;

    /// <summary>What a walk notes of a value that is no tensor: its entry, and what it is.</summary>
    public const int Other = 200;

    /// <summary>What a walk makes of a tensor: its entry and name, and for each dimension a size and a stride.</summary>
    public static int Tensor(int rank) => 400 + (2 * sizeof(long) * rank);

    private readonly long total = PickleLimits.Memory(pickleLength, storages);
    private long spent;

    /// <summary>Takes <paramref name="bytes"/> for what the instruction at <paramref name="offset"/> makes.</summary>
    /// <exception cref="MigrationException">There is not so much left.</exception>
    public void Spend(int offset, long bytes)
    {
        spent += bytes;
        if (spent > total)
        {
            throw Exceeded(offset);
        }
    }

    private MigrationException Exceeded(int offset) =>
        PickleFailure.Limit(offset, $"{pickleLength} bytes of pickle make more than {total >> 20} MiB of values, as no checkpoint's do");

    /// <summary>What a new node takes.</summary>
    public static long Of(PickleNode node) => node switch
    {
        PickleString text => 48 + Reference + Text(text.Text),
        PickleTuple { Items.Length: 0 } => 40,
        PickleTuple tuple => 64 + (16L * tuple.Items.Length),
        PickleBigInteger number => 64 + number.Value.GetByteCount(),
        PickleObject => 56,
        PickleMutable => 40,
        PickleGlobal global => 320 + (4L * (global.Module.Length + global.Name.Length)),
        PicklePersistent => 40 + Reference,
        _ => 32,
    };

    /// <summary>What a string takes.</summary>
    public static long Text(string text) => 24 + (2L * text.Length);
}
