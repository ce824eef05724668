using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using QkvMigrate.Migration;

namespace QkvMigrate.Cli.Commands;

/// <summary>
/// The log on standard error, one line a message: <c>qkvmigrate: error: ...</c>. The logger is made with the first
/// message, because most runs have none.
/// </summary>
internal sealed partial class ConsoleLog(bool quiet, bool verbose) : IDisposable
{
    private ILoggerFactory? factory;
    private ILogger? logger;

    private ILogger Logger => logger ??= (factory = LoggerFactory.Create(Configure)).CreateLogger("qkvmigrate");

    /// <summary>Says a thing that is of interest with --verbose.</summary>
    public void Detail(string message)
    {
        if (verbose)
        {
            LogDetail(Logger, message);
        }
    }

    /// <summary>Says why each checkpoint that failed or was refused did so.</summary>
    public void Failures(IEnumerable<CheckpointReport> reports) => Failures(reports.Select(report => report.Error).OfType<MigrationException>());

    /// <summary>Says each failure.</summary>
    public void Failures(IEnumerable<MigrationException> errors)
    {
        foreach (var error in errors)
        {
            LogFailure(Logger, error.Message);
        }
    }

    /// <summary>Writes what is still queued.</summary>
    public void Dispose() => factory?.Dispose();

    private void Configure(ILoggingBuilder builder)
    {
        builder.SetMinimumLevel(verbose ? LogLevel.Debug : quiet ? LogLevel.Error : LogLevel.Information);
        builder.AddConsole(options =>
        {
            options.FormatterName = LineFormatter.FormatterName;
            options.LogToStandardErrorThreshold = LogLevel.Trace;
        });
        builder.AddConsoleFormatter<LineFormatter, ConsoleFormatterOptions>();
    }

    [LoggerMessage(LogLevel.Error, "{Message}")]
    private static partial void LogFailure(ILogger logger, string message);

    [LoggerMessage(LogLevel.Debug, "{Message}")]
    private static partial void LogDetail(ILogger logger, string message);

    /// <summary>One line a message, in the way of Unix tools.</summary>
    private sealed class LineFormatter() : ConsoleFormatter(FormatterName)
    {
        public const string FormatterName = "line";

        public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
        {
            var level = logEntry.LogLevel switch { LogLevel.Error => "error: ", LogLevel.Warning => "warning: ", _ => "" };
            textWriter.WriteLine($"qkvmigrate: {level}{logEntry.Formatter(logEntry.State, logEntry.Exception)}");
        }
    }
}
