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
            : throw PickleFailure.Limit(offset, $"containers are nested more than {PickleLimits.Depth} deep");

    /// <summary>Whether <paramref name="last"/> is the last step.</summary>
    public bool IsAt(string last) => step == last;

    /// <summary>The path with <c>/</c> between the steps.</summary>
    /// <exception cref="MigrationException">It is longer than any state dict's.</exception>
    public string Write(int offset)
    {
        var steps = new Stack<string>();
        var length = 0;
        for (var at = this; at.parent is not null; at = at.parent)
        {
            length += at.step.Length + 1;
            steps.Push(at.step);
            if (length > PickleLimits.Path)
            {
                throw PickleFailure.Limit(offset, $"the keys that lead here have more than {PickleLimits.Path} characters");
            }
        }

        return string.Join('/', steps);
    }
}
