using QkvMigrate.Attention;

namespace QkvMigrate.Cli.Rendering.Inspecting;

/// <summary>Heads of one section that stand one behind the other.</summary>
/// <param name="Section">Which of q, k, v.</param>
/// <param name="First">The first head's number within its section.</param>
/// <param name="Count">How many heads.</param>
internal readonly record struct LayoutRun(QkvSection Section, int First, int Count)
{
    /// <summary>q, k or v.</summary>
    public char Letter => LetterOf(Section);

    /// <summary>q, k or v.</summary>
    public static char LetterOf(QkvSection section) => section switch { QkvSection.Query => 'q', QkvSection.Key => 'k', _ => 'v' };

    /// <summary>
    /// What belongs together in a layout: a query group's heads where a pass goes over several sections, or all heads of
    /// a section.
    /// </summary>
    public static IEnumerable<IReadOnlyList<LayoutRun>> Groups(RowOrder layout, AttentionGeometry geometry)
    {
        foreach (var pass in layout.Passes)
        {
            if (pass is [var section])
            {
                yield return [new LayoutRun(section, 0, PerGroup(section, geometry) * geometry.QueryGroupCount)];
                continue;
            }

            for (var group = 0; group < geometry.QueryGroupCount; group++)
            {
                yield return [.. pass.Select(section => new LayoutRun(section, group * PerGroup(section, geometry), PerGroup(section, geometry)))];
            }
        }
    }

    /// <summary>How many <see cref="Groups"/> there are.</summary>
    public static int CountGroups(RowOrder layout, AttentionGeometry geometry) =>
        layout.Passes.Sum(pass => pass.Count == 1 ? 1 : geometry.QueryGroupCount);

    private static int PerGroup(QkvSection section, AttentionGeometry geometry) =>
        section == QkvSection.Query ? geometry.QueriesPerGroup : 1;
}
