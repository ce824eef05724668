using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;
using QkvMigrate.Planning;
using QkvMigrate.Running;
using QkvMigrate.Running.Exports;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes reports of upgrade, downgrade and export for people: a line for what happened, indented lines for what is behind it.</summary>
internal static class TextReport
{
    private const string Indent = "  ";
    private const int ShownRanges = 3;

    /// <summary>Writes all reports but the refused ones, whose one line is on standard error.</summary>
    public static void Write(TextWriter writer, IEnumerable<CheckpointReport> reports, bool withPlan)
    {
        foreach (var report in reports.Where(report => report.Error is null))
        {
            Write(writer, report, withPlan);
        }
    }

    /// <summary>The codes of what holds for every such checkpoint, once for all of them.</summary>
    public static void WriteGeneralAdvice(TextWriter writer, IReadOnlyList<CheckpointReport> reports)
    {
        var told = reports.Where(report => report.Error is null && report.Status != CheckpointStatus.Skipped);
        var codes = told.SelectMany(report => report.Advice).Where(note => note.IsGeneral).Select(note => note.Code).Distinct().ToList();
        if (codes.Count > 0)
        {
            writer.WriteLine($"{(reports.Count == 1 ? Indent : "")}notes [{string.Join("], [", codes)}]: --verbose explains");
        }
    }

    /// <summary>The lines of a plan: each tensor with its new name, and each other name.</summary>
    public static void WritePlan(TextWriter writer, MigrationPlan plan)
    {
        foreach (var move in plan.Moves)
        {
            var newName = move.NewName is { } name ? $" -> {name}" : "";
            var shape = $"({string.Join(", ", move.Tensor.Shape)})";
            writer.WriteLine($"{Indent}{move.Tensor.Label}{newName}  {move.Tensor.DType} {shape}  {Change(move)}");
        }

        foreach (var change in plan.NameChanges)
        {
            writer.WriteLine($"{Indent}{Place(change.Name.Role)}: {change.Name.Text} -> {change.NewName}");
        }

        writer.WriteLine($"{Indent}{plan.UntouchedTensors} tensors are left alone");
    }

    /// <summary>What happens to a tensor's elements, with the first ranges of bytes that move.</summary>
    private static string Change(TensorMove move)
    {
        if (move.NewShape is { } shape)
        {
            return $"new elements, shape ({string.Join(", ", shape)})";
        }

        if (move.Blocks.Count == 0)
        {
            return "renamed";
        }

        var ranges = move.Blocks.Take(ShownRanges).Select(block => $"bytes {block.Storage.Offset + block.Offset}+{block.Length}");
        return $"rows reordered, {string.Join(", ", ranges)}{(move.Blocks.Count > ShownRanges ? ", ..." : "")}";
    }

    private static string Place(NameRole role) => role switch
    {
        NameRole.ParameterName => "optimizer's parameter",
        NameRole.ContainerKey => "key",
        NameRole.Value => "name beside a tensor",
        _ => "_metadata",
    };

    private static void Write(TextWriter writer, CheckpointReport report, bool withPlan)
    {
        var status = JsonNames.Kebab(report.Status.ToString());
        if (report.Status is CheckpointStatus.Unchanged)
        {
            writer.WriteLine($"{status}: {report.Path}: {(report.Layout ?? LayoutFamilies.None).NothingToDo}, nothing to do");
        }
        else if (report.Status is CheckpointStatus.Skipped)
        {
            writer.WriteLine($"{status}: {report.Path}: {report.Advice[0].Message}");
            return;
        }
        else
        {
            writer.WriteLine($"{status}: {report.Path}{(report.Output is { } output && output != report.Path ? $" -> {output}" : "")}");
        }

        if (report.Changes is { OutputBytes: not null } changes)
        {
            WriteChange(writer, report, changes);
        }

        if (withPlan && report is { SourceSha256: { } before, OutputSha256: { } after })
        {
            writer.WriteLine($"{Indent}SHA-256 of the source: {before}");
            writer.WriteLine($"{Indent}SHA-256 of the new file: {after}");
        }

        if (report.Export is { } export)
        {
            WriteExport(writer, report, export, withPlan);
        }

        if (withPlan && report.Plan is { HasWork: true } plan)
        {
            WritePlan(writer, plan);
        }

        foreach (var change in report.ConfigurationChanges)
        {
            writer.WriteLine($"{Indent}configuration: {change}");
        }

        WriteAdvice(writer, report.Advice, withPlan);
    }

    /// <summary>Each advice; what holds for every such checkpoint only where it <paramref name="isExplained"/>.</summary>
    private static void WriteAdvice(TextWriter writer, IReadOnlyList<Advice> advice, bool isExplained)
    {
        foreach (var note in advice.Where(note => isExplained || !note.IsGeneral))
        {
            writer.WriteLine($"{Indent}note [{note.Code}]: {note.Message}");
        }
    }

    private static void WriteExport(TextWriter writer, CheckpointReport report, ExportSummary export, bool withFiles)
    {
        var time = report.Status == CheckpointStatus.Planned ? "" : $", {report.Elapsed.TotalSeconds:0.00} s";
        writer.WriteLine(
            $"{Indent}a {export.Family} model of {export.Files.Sum(file => file.Tensors)} tensors in {export.DType}, "
            + $"{ByteSize.Text(export.Files.Sum(file => file.Bytes))} in {(export.Files.Count == 1 ? "1 file" : $"{export.Files.Count} files")}{time}");
        foreach (var file in export.Files.Where(_ => withFiles))
        {
            writer.WriteLine($"{Indent}{file.Name}: {file.Tensors} tensors, {ByteSize.Text(file.Bytes)}");
        }

        if (withFiles)
        {
            writer.WriteLine($"{Indent}beside them: {string.Join(", ", export.Companions)}");
        }
    }

    private static void WriteChange(TextWriter writer, CheckpointReport report, PlanCounts changes)
    {
        var isPlanned = report.Status == CheckpointStatus.Planned;
        var time = isPlanned ? "" : $", {report.Elapsed.TotalSeconds:0.00} s";
        writer.WriteLine($"{Indent}{report.Geometry} (from {report.GeometrySource})");
        writer.WriteLine(
            $"{Indent}{changes.ChangedTensors} of {report.TensorCount} tensors {(isPlanned ? "change" : "changed")}, "
            + $"{ByteSize.Text(changes.ReorderedBytes)} of {ByteSize.Text(report.SourceBytes)} reordered{time}");
    }
}
