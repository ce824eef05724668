using QkvMigrate.Attention;

namespace QkvMigrate.Cli.Rendering.Inspecting;

/// <summary>A piece of a line.</summary>
/// <param name="Text">What is printed.</param>
/// <param name="Section">The part of the fused matrix that it stands for, and whose colour it gets; or null.</param>
/// <param name="IsWarning">Whether the user must see it.</param>
internal readonly record struct ReportSpan(string Text, QkvSection? Section = null, bool IsWarning = false);

/// <summary>A line of a report: what it is about, and its text in pieces.</summary>
/// <param name="Label">A word.</param>
/// <param name="Spans">The pieces.</param>
internal sealed record ReportLine(string Label, IReadOnlyList<ReportSpan> Spans)
{
    /// <summary>A line of one plain piece.</summary>
    public ReportLine(string label, string text)
        : this(label, [new ReportSpan(text)])
    {
    }

    /// <summary>The text without colours.</summary>
    public string Text => string.Concat(Spans.Select(span => span.Text)).TrimEnd();
}
