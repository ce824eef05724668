using System.CommandLine;

namespace QkvMigrate.Cli.Reference.Completion;

/// <summary>The script for PowerShell 5.1 and later; a profile runs it.</summary>
internal static class PowerShellCompletion
{
    /// <summary>Writes the script.</summary>
    public static void Write(TextWriter writer, RootCommand root)
    {
        writer.WriteLine(
            """
            # PowerShell completion for qkvmigrate, made by 'qkvmigrate completion powershell'
            Register-ArgumentCompleter -Native -CommandName qkvmigrate -ScriptBlock {
                param($word, $line, $cursor)
                # What each command takes: its options with their descriptions, the words to choose from behind an option
                # (none where a value is free, $null where it is a path), and the words to choose from elsewhere.
                $commands = @{
            """);
        WriteCommand(writer, "", root, root.VisibleCommands().Select(command => (command.Name, command.Description ?? "")));
        foreach (var command in root.VisibleCommands())
        {
            WriteCommand(writer, command.Name, command, command.Arguments.SelectMany(argument => argument.Value().Choices).Select(choice => (choice, choice)));
        }

        writer.WriteLine(
            """
                }
                $before = @($line.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { $_.Extent.Text })
                $command = $commands["$($before | Where-Object { $_ -notlike '-*' } | Select-Object -First 1)"]
                if ($null -eq $command) { return }
                $option = if ($before.Count -gt 0) { $before[-1] } else { '' }
                $start = ''
                if ($word -match '^(--[^=]+)=(.*)$') {
                    $option = $Matches[1]
                    $start = "$option="
                    $word = $Matches[2]
                }
                if ($command.Values.Contains($option)) {
                    $choices = $command.Values[$option]
                    # Where nothing is offered PowerShell completes paths; an empty text keeps it from that.
                    if ($null -eq $choices) { return }
                    if ($choices.Count -eq 0) { return '' }
                    $offers = $choices
                    $descriptions = @{}
                } else {
                    $descriptions = if ($word -like '-*') { $command.Options } else { $command.Words }
                    $offers = $descriptions.Keys
                }
                $offers | Where-Object { $_.StartsWith($word, [StringComparison]::Ordinal) } | ForEach-Object {
                    $description = if ($descriptions[$_]) { $descriptions[$_] } else { $_ }
                    [System.Management.Automation.CompletionResult]::new("$start$_", $_, 'ParameterValue', $description)
                }
            }
            """);
    }

    private static void WriteCommand(TextWriter writer, string name, Command command, IEnumerable<(string Word, string Description)> words)
    {
        writer.WriteLine($"        {Quote(name)} = @{{");
        WriteTable(
            writer,
            "Options",
            command.VisibleOptions().SelectMany(option => option.UnixNames().Select(each => (each, Quote(option.Description ?? each)))));
        WriteTable(writer, "Values", command.VisibleOptions().SelectMany(option => option.UnixNames().Select(each => (Name: each, Value: option.Value())))
            .Where(option => option.Value is not null)
            .Select(option => (option.Name, Values(option.Value!))));
        WriteTable(writer, "Words", words.Select(word => (word.Word, Quote(word.Description))));
        writer.WriteLine("        }");
    }

    private static void WriteTable(TextWriter writer, string name, IEnumerable<(string Key, string Value)> entries)
    {
        writer.WriteLine($"            {name} = [ordered]@{{");
        foreach (var (key, value) in entries)
        {
            writer.WriteLine($"                {Quote(key)} = {value}");
        }

        writer.WriteLine("            }");
    }

    private static string Values(ValueHint value) => value.IsPath ? "$null" : $"@({string.Join(", ", value.Choices.Select(Quote))})";

    private static string Quote(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
