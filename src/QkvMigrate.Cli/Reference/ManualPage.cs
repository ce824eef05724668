using System.CommandLine;

namespace QkvMigrate.Cli.Reference;

/// <summary>The manual page, made of the command tree in the macros of man(7).</summary>
internal static class ManualPage
{
    /// <summary>Writes the page of the program whose commands are below <paramref name="root"/>.</summary>
    public static void Write(TextWriter writer, RootCommand root)
    {
        var version = typeof(ManualPage).Assembly.GetName().Version!.ToString(fieldCount: 3);
        writer.WriteLine(".\\\" Made by 'qkvmigrate man'; changes belong into the program.");
        writer.WriteLine($".TH QKVMIGRATE 1 \"\" \"qkvmigrate {version}\" \"User Commands\"");
        // Command lines and paths are copied from here: they are not hyphenated, and lines are not stretched.
        writer.WriteLine(".nr HY 0");
        writer.WriteLine(".ad l");
        writer.WriteLine(".SH NAME");
        writer.WriteLine("qkvmigrate \\- upgrade legacy LitGPT checkpoints");
        writer.WriteLine(".SH SYNOPSIS");
        foreach (var command in root.VisibleCommands())
        {
            writer.WriteLine(command == root.VisibleCommands().First() ? Synopsis(command) : $".br\n{Synopsis(command)}");
        }

        writer.WriteLine(".SH DESCRIPTION");
        writer.WriteLine(Roff.Text(root.Description!));
        writer.WriteLine(".PP");
        writer.WriteLine("Results go to standard output, everything else to standard error.");
        writer.WriteLine(".SH OPTIONS");
        WriteOptions(writer, root);
        writer.WriteLine(".SH COMMANDS");
        foreach (var command in root.VisibleCommands())
        {
            WriteCommand(writer, command);
        }

        writer.WriteLine(".SH EXIT STATUS");
        foreach (var status in ExitStatus.All)
        {
            WriteItem(writer, Roff.Bold(status.Codes), Sentence(status.Meaning));
        }
    }

    private static void WriteCommand(TextWriter writer, Command command)
    {
        writer.WriteLine($".SS \"{Roff.Literal(command.Name)}\"");
        writer.WriteLine(Roff.Text(command.Description!));
        foreach (var argument in command.Arguments)
        {
            WriteItem(writer, Roff.Italic(argument.Synopsis()), argument.Description!);
        }

        WriteOptions(writer, command);
        foreach (var example in CommandExamples.Of(command.Name))
        {
            writer.WriteLine(".PP");
            writer.WriteLine($"{Roff.Text(example.Purpose)}:");
            writer.WriteLine(".PP");
            writer.WriteLine(".EX");
            writer.WriteLine(Roff.Literal(example.CommandLine));
            writer.WriteLine(".EE");
        }
    }

    private static void WriteOptions(TextWriter writer, Command command)
    {
        foreach (var option in command.Options.Where(option => !option.Hidden))
        {
            var names = string.Join(", ", option.UnixNames().Select(Roff.Bold));
            var standard = option.DefaultText() is { } text ? $" Default: {text}." : "";
            WriteItem(writer, option.Value() is { } value ? $"{names} {Roff.Italic(value.Name)}" : names, option.Description + standard);
        }
    }

    private static string Synopsis(Command command)
    {
        List<string> words = [Roff.Bold("qkvmigrate"), Roff.Bold(command.Name), .. command.Arguments.Select(argument => Roff.Italic(argument.Synopsis()))];
        if (command.Options.Any(option => !option.Hidden))
        {
            words.Add("[options]");
        }

        return string.Join(' ', words);
    }

    private static void WriteItem(TextWriter writer, string tag, string text)
    {
        writer.WriteLine(".TP");
        writer.WriteLine(tag);
        writer.WriteLine(Roff.Text(text));
    }

    private static string Sentence(string text) => $"{char.ToUpperInvariant(text[0])}{text[1..]}.";
}
