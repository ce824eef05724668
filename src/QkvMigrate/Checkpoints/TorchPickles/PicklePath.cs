using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>
/// The way from the root of a pickle to a value, as one step and the way before it: written out only for what a report
/// names, so that deep nesting costs no more than it is long.
/// </summary>
internal sealed class PicklePath
{
    private readonly PicklePath? parent;
    private readonly string step;
    private readonly int depth;

    private PicklePath(PicklePath? parent, string step)
    {
        this.parent = parent;
        this.step = step;
        depth = parent is null ? 0 : parent.depth + 1;
        SpeaksOfAttention = parent?.SpeaksOfAttention == true || AttentionKeys.Speaks(step);
    }

    /// <summary>Whether one of the steps does.</summary>
    public bool SpeaksOfAttention { get; }

    /// <summary>The root: the empty path.</summary>
    public static PicklePath Root { get; } = new(null, "");

    /// <summary>The path of a value one step on.</summary>
    /// <exception cref="MigrationException">It is nested more deeply than any state dict.</exception>
    public PicklePath Then(string next, int offset) =>
        depth < PickleLimits.Depth
            ? new PicklePath(this, next)
            : throw TooDeep(offset);

    /// <summary>Whether <paramref name="last"/> is the last step.</summary>
    public bool IsAt(string last) => step == last;

    /// <summary>The path with <c>/</c> between the steps.</summary>
    /// <exception cref="MigrationException">It is longer than any state dict's.</exception>
    public string Write(int offset) => parent is null ? "" : parent.Write(step, offset);

    /// <summary>The path of a value one step on, of which nothing but the text is wanted.</summary>
    /// <exception cref="MigrationException">As above, or it is nested more deeply.</exception>
    public string Write(string next, int offset)
    {
        if (depth >= PickleLimits.Depth)
        {
            throw TooDeep(offset);
        }

        var steps = new string[depth + 1];
        steps[depth] = next;
        var length = next.Length + 1;
        for (var at = this; at.parent is not null && length <= PickleLimits.Path; at = at.parent)
        {
            length += at.step.Length + 1;
            steps[at.depth - 1] = at.step;
        }

        return length <= PickleLimits.Path ? string.Join('/', steps) : throw TooLong(offset);
    }

    private static MigrationException TooLong(int offset) =>
        PickleFailure.Limit(offset, $"the keys that lead here have more than {PickleLimits.Path} characters");

    private static MigrationException TooDeep(int offset) => PickleFailure.Limit(offset, $"containers are nested more than {PickleLimits.Depth} deep");
}
